import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import type { ClusterRole } from "../../../api/rbac/v1.ts";
import type { Handler } from "../../base/wire.ts";
import * as bindings from "./bootstrap-bindings.ts";
import { controllerRoles } from "./bootstrap-controller-roles.ts";
import { bootstrapBindingObject, bootstrapRoleObject } from "./bootstrap-role.ts";
import { clusterRoles, namespaceRoles } from "./bootstrap-roles.ts";
import { ensureBootstrapRbac } from "./bootstrap-rbac.ts";
import {
  bootstrapObjects,
  keyOf,
  planBootstrapRbac,
  type RbacObject,
} from "./bootstrap-rbac-plan.ts";

const vectors = join(import.meta.dirname, "../../../../shared/kubernetes-api/vectors/rbac");
const hasVectors = existsSync(vectors);
if (!hasVectors) console.log(`skipped: upstream's published roles are not in ${vectors}`);

/** Absent and null lists are the same to a reader. */
const withoutNulls = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (one === null ? undefined : one)));

describe("the default roles", () => {
  for (const [file, objects] of [
    ["cluster-roles", clusterRoles.map(bootstrapRoleObject)],
    ["namespace-roles", namespaceRoles.map(bootstrapRoleObject)],
    ["controller-roles", controllerRoles.map(bootstrapRoleObject)],
    ["cluster-role-bindings", bindings.clusterRoleBindings.map(bootstrapBindingObject)],
    ["controller-role-bindings", bindings.controllerRoleBindings.map(bootstrapBindingObject)],
    ["namespace-role-bindings", bindings.namespaceRoleBindings.map(bootstrapBindingObject)],
  ] as const) {
    it.skipIf(!hasVectors)(`are upstream's ${file}`, () => {
      const text = readFileSync(`${vectors}/${file}.yaml`, "utf8");
      const { items } = parse(text) as { items: readonly unknown[] };
      expect(withoutNulls(objects)).toEqual(withoutNulls(items));
    });
  }

  it("have the rules of the roles that aggregate to them", () => {
    const role = (name: string): ClusterRole =>
      bootstrapObjects().find(
        ({ kind, metadata }) => kind === "ClusterRole" && metadata?.name === name,
      ) as ClusterRole;
    const rules = (name: string): number => role(name).rules?.length ?? 0;
    expect(rules("view")).toBe(rules("system:aggregate-to-view"));
    expect(rules("edit")).toBeGreaterThan(rules("view"));
    expect(rules("admin")).toBeGreaterThan(rules("edit"));
  });
});

describe("planBootstrapRbac", () => {
  const complete = (): Map<string, RbacObject> =>
    new Map(bootstrapObjects().map((object) => [keyOf(object), object]));

  it("creates all in an empty cluster, and nothing in a complete one", () => {
    expect(planBootstrapRbac(new Map())).toHaveLength(bootstrapObjects().length);
    expect(planBootstrapRbac(complete())).toEqual([]);
  });

  it("adds a rule that is missing, and keeps those that were added", () => {
    const existing = complete();
    const own = { verbs: ["get"], apiGroups: ["example.org"], resources: ["things"] };
    const key = "ClusterRole/system:discovery";
    const before = existing.get(key) as ClusterRole;
    existing.set(key, { ...before, rules: [own] });
    expect(planBootstrapRbac(existing)).toEqual([
      { do: "update", object: { ...before, rules: [own, ...(before.rules ?? [])] } },
    ]);
  });

  it("adds a subject that is missing", () => {
    const existing = complete();
    const key = "ClusterRoleBinding/system:basic-user";
    existing.set(key, { ...(existing.get(key) as RbacObject), subjects: [] });
    expect(planBootstrapRbac(existing)).toMatchObject([
      { do: "update", object: { subjects: [{ kind: "Group", name: "system:authenticated" }] } },
    ]);
  });

  it("leaves alone what its owner took out of its care", () => {
    const existing = complete();
    const key = "ClusterRole/system:discovery";
    const annotations = { "rbac.authorization.kubernetes.io/autoupdate": "false" };
    existing.set(key, { kind: "ClusterRole", metadata: { name: "system:discovery", annotations } });
    expect(planBootstrapRbac(existing)).toEqual([]);
  });
});

it("ensureBootstrapRbac writes through the handler, and settles", async () => {
  const stored = new Map<string, object>();
  const handler: Handler = async ({ method, path, body }) => {
    const headers = {};
    if (method === "GET") {
      const plural = path.split("/").at(-1) ?? "";
      const items = [...stored]
        .filter(([key]) => key.includes(`/${plural}/`))
        .map(([, one]) => one);
      return { status: 200, headers, body: Buffer.from(JSON.stringify({ items })) };
    }
    const object = JSON.parse(Buffer.from(body ?? []).toString()) as RbacObject;
    stored.set(`${path}/${object.metadata?.name}`, object);
    return { status: 201, headers, body: new Uint8Array(0) };
  };
  const signal = new AbortController().signal;
  await ensureBootstrapRbac(handler, signal);
  expect(stored.size).toBe(bootstrapObjects().length);
  const paths = [...stored.keys()];
  expect(paths).toContain("/apis/rbac.authorization.k8s.io/v1/clusterroles/view");
  const refuse: Handler = async (request) =>
    request.method === "GET" ? handler(request) : Promise.reject(new Error("wrote again"));
  await ensureBootstrapRbac(refuse, signal);
});
