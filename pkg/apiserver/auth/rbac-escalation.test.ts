import { describe, expect, it } from "vitest";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "../../../api/resources.ts";
import type { ClusterRole, PolicyRule } from "../../../api/rbac/v1.ts";
import { systemClock } from "../../base/system-clock.ts";
import type { Admission } from "../admission/admission.ts";
import type { Resource } from "../resource.ts";
import { rule } from "./bootstrap-role.ts";
import { rbacEscalation } from "./rbac-escalation.ts";
import { FixedObjects } from "./testing/fixed-objects.ts";

const group = "rbac.authorization.k8s.io";
const jane = { kind: "User", name: "jane", apiGroup: group };
const toRole = (name: string, kind = "ClusterRole") => ({ apiGroup: group, kind, name });
const pods = rule("get list", "core", "pods");
const nodes = rule("delete", "core", "nodes");

/** What jane has in namespace "a": pods, and whatever more. */
const objectsWith = (...more: readonly PolicyRule[]): FixedObjects =>
  new FixedObjects()
    .put(
      clusterRoles,
      { metadata: { name: "own" }, rules: [pods, ...more] },
      { metadata: { name: "strong" }, rules: [nodes] },
    )
    .put(roleBindings, {
      metadata: { name: "jane", namespace: "a" },
      subjects: [jane],
      roleRef: toRole("own"),
    });

const check = async (
  objects: FixedObjects,
  ref: ResourceRef,
  object: KubeObject,
  more: Partial<Admission> = {},
): Promise<void> =>
  rbacEscalation.validate?.({
    verb: "create",
    resource: { ref } as unknown as Resource,
    subresource: "",
    namespace: ref.namespaced ? "a" : "",
    name: object.metadata?.name ?? "",
    user: { name: "jane", uid: "", groups: ["devs"], extra: {} },
    dryRun: false,
    object,
    before: undefined,
    objects,
    clock: systemClock,
    signal: new AbortController().signal,
    ...more,
  });
const role = (...rules: readonly PolicyRule[]): ClusterRole => ({
  metadata: { name: "new" },
  rules,
});
const aggregated: ClusterRole = { ...role(), aggregationRule: { clusterRoleSelectors: [] } };
const binding = (to: string) => ({
  metadata: { name: "new", namespace: "a" },
  subjects: [{ kind: "User", name: "eve" }],
  roleRef: toRole(to),
});

describe("RBACEscalation", () => {
  it("lets one grant what one has", async () => {
    await check(objectsWith(), roles, role(rule("get", "core", "pods")));
    await check(objectsWith(), roleBindings, binding("own"));
  });

  it("refuses a role with more, and names what is missing", async () => {
    await expect(check(objectsWith(), roles, role(pods, nodes))).rejects.toMatchObject({
      reason: "Forbidden",
      message:
        'roles.rbac.authorization.k8s.io "new" is forbidden: user "jane" (groups=["devs"]) is ' +
        "attempting to grant RBAC permissions not currently held:\n" +
        '{APIGroups:[""], Resources:["nodes"], Verbs:["delete"]}',
    });
  });

  for (const [title, ref, object, more] of [
    ["a binding to a role with more", roleBindings, binding("strong"), {}],
    ["a cluster role, for what one has in a namespace only", clusterRoles, role(pods), {}],
    ["a cluster binding likewise", clusterRoleBindings, binding("own"), {}],
    ["an aggregated role", clusterRoles, aggregated, {}],
    [
      "an update that adds a rule",
      roles,
      role(pods, nodes),
      { verb: "update", before: role(pods) },
    ],
  ] as const) {
    it(`refuses ${title}`, async () => {
      await expect(check(objectsWith(), ref, object, more)).rejects.toMatchObject({
        reason: "Forbidden",
      });
    });
  }

  it("says that a role is not there", async () => {
    await expect(check(objectsWith(), roleBindings, binding("gone"))).rejects.toMatchObject({
      reason: "NotFound",
    });
  });

  it("lets those who may escalate or bind, masters, and updates that add nothing", async () => {
    await check(objectsWith(rule("escalate", group, "roles")), roles, role(nodes));
    await check(
      objectsWith(rule("bind", group, "clusterroles", "strong")),
      roleBindings,
      binding("strong"),
    );
    const masters = { user: { name: "root", uid: "", groups: ["system:masters"], extra: {} } };
    await check(objectsWith(), roles, role(nodes), masters);
    const relabelled = { ...role(nodes), metadata: { name: "new", labels: { a: "b" } } };
    await check(objectsWith(), roles, relabelled, { verb: "update", before: role(nodes) });
  });
});
