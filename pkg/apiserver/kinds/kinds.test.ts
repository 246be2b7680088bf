/**
 * Every case of testdata/cases.yaml, against what upstream's kube-apiserver answered to it: the
 * same object with the same defaults, or the same complaints; and the same cells in the same
 * columns.
 * `hack/record-kinds.ts` asks upstream again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../api/resource.ts";
import { describeFieldError, type FieldError } from "../../machinery/field-error.ts";
import { kubernetesDecoder } from "../../machinery/kubernetes-decoder.ts";
import type { Resource } from "../resource.ts";
import { resources } from "../resources.ts";

interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}
interface Answer extends KubeObject {
  readonly code?: number;
  readonly causes?: readonly Cause[];
  readonly spec?: Record<string, unknown>;
}
interface Recorded {
  readonly title: string;
  readonly object: KubeObject;
  readonly then?: KubeObject;
  readonly answer?: Answer;
  readonly now?: number;
  readonly columns?: readonly object[];
  readonly cells?: readonly unknown[];
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, "testdata/upstream.json"), "utf8"),
) as readonly Recorded[];

function resourceOf({ apiVersion = "", kind = "" }: KubeObject): Resource {
  const found = resources.find(
    ({ ref }) =>
      ref.kind === kind && (ref.group === "" ? "" : `${ref.group}/`) + ref.version === apiVersion,
  );
  if (found === undefined) throw new Error(`no kind ${apiVersion} ${kind}`);
  return found;
}

function decoded(resource: Resource, object: KubeObject): KubeObject {
  const copy: unknown = structuredClone(object);
  const { object: plain } = kubernetesDecoder.decode<KubeObject>(resource.ref.schema, copy);
  const metadata = resource.ref.namespaced
    ? { ...plain.metadata, namespace: "default" }
    : (plain.metadata ?? {});
  const whole = { ...plain, metadata };
  return resource.defaults?.(whole) ?? whole;
}

const causeOf = (error: FieldError): Cause => ({
  reason: error.type,
  message: describeFieldError(error),
  field: error.path,
});

/** Given out after validation, by the server and not by the kind. */
const allocated = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const;

function comparable(object: Answer): unknown {
  const plain: unknown = JSON.parse(JSON.stringify(object), (key, value: unknown) =>
    // Go prints times that are absent as null; and when a thing happened is another test's matter.
    value === null || key === "lastTransitionTime" ? undefined : value,
  );
  const { metadata: whole = {}, ...rest } = plain as Answer;
  const { generation: _generation, ...metadata } = whole;
  if (object.kind !== "Service") return { ...rest, metadata };
  const spec = rest.spec ?? {};
  for (const field of allocated) delete spec[field];
  for (const port of (spec["ports"] ?? []) as Record<string, unknown>[]) delete port["nodePort"];
  return { ...rest, metadata };
}

interface Outcome {
  readonly object: KubeObject;
  readonly errors: readonly FieldError[];
}

function create(resource: Resource, sent: KubeObject): Outcome {
  const object = decoded(resource, sent);
  const prepared = resource.prepareForCreate?.(object) ?? object;
  return { object: prepared, errors: resource.validate?.(prepared, undefined) ?? [] };
}

function update(resource: Resource, sent: KubeObject, before: KubeObject): Outcome {
  const status = (before as { status?: unknown }).status;
  const object = decoded(resource, sent);
  const kept = status === undefined ? object : { ...object, status };
  const prepared = resource.prepareForUpdate?.(kept, before) ?? kept;
  return { object: prepared, errors: resource.validate?.(prepared, before) ?? [] };
}

const byField = (a: Cause, b: Cause): number =>
  a.field + a.message < b.field + b.message ? -1 : 1;

/** What is printed as a Go struct there, and Go's diff of a pod's spec, are JSON and paths here. */
const withoutGo = (cause: Cause): Cause => ({
  ...cause,
  message: cause.message
    .replace(/(previously negative\))\n[^]*$/, "$1")
    .replace(/ value: \{.*\}: /, " value: {}: "),
});

describe("the kinds, as upstream answers", () => {
  for (const { title, object, then, answer } of recorded) {
    if (answer === undefined) continue;
    it(title, () => {
      const resource = resourceOf(object);
      const created = create(resource, object);
      const outcome = then === undefined ? created : update(resource, then, created.object);
      const causes = outcome.errors.map(causeOf).map(withoutGo).sort(byField);
      const expected = (answer.causes ?? []).map(withoutGo).sort(byField);
      expect(causes).toEqual(expected);
      if (answer.causes === undefined)
        expect(comparable(outcome.object)).toEqual(comparable(answer));
    });
  }
});

describe("the tables, as upstream prints them", () => {
  for (const { title, object, columns, cells, now } of recorded) {
    if (columns === undefined || cells === undefined) continue;
    it(title, () => {
      const resource = resourceOf(object);
      expect(
        resource.columns.map(({ name, type, format = "", priority }) => ({
          name,
          type,
          format,
          priority,
        })),
      ).toEqual(columns);
      const whole = decoded(resource, object);
      const shown = resource.columns.map(({ cell }) => cell(whole, now ?? 0));
      const isAge = (index: number): boolean => resource.columns[index]?.name === "Age";
      for (const [index, cell] of cells.entries())
        if (!isAge(index)) expect(shown[index]).toEqual(cell);
    });
  }
});
