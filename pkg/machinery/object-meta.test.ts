import { describe, expect, it } from "vitest";
import { describeFieldError, required } from "./field-error.ts";
import { validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.ts";
import {
  alreadyExists,
  conflict,
  forbidden,
  invalid,
  notFound,
  statusFromCode,
  statusFromObject,
  statusFromText,
  toStatus,
} from "./status.ts";
import { isReason } from "./status-error.ts";

const rule = { namespaced: true, nameRule: "dns-subdomain" } as const;
const good = { name: "web", namespace: "default" };

describe("metadata", () => {
  for (const [title, metadata, expected] of [
    ["good", good, []],
    [
      "no name",
      { namespace: "a" },
      ["metadata.name: Required value: name or generateName is required"],
    ],
    ["no namespace", { name: "a" }, ["metadata.namespace: Required value"]],
    [
      "a bad name",
      { ...good, name: "Web_1" },
      ['metadata.name: Invalid value: "Web_1": a lowercase RFC 1123 subdomain must'],
    ],
    ["a prefix may end with a dash", { ...good, generateName: "web-" }, []],
    [
      "a bad label key",
      { ...good, labels: { "-x": "a" } },
      ['metadata.labels: Invalid value: "-x": name part must consist of'],
    ],
    [
      "a bad label value",
      { ...good, labels: { x: "a b" } },
      ['metadata.labels: Invalid value: "a b": a valid label must be an empty string or'],
    ],
    [
      "a bad prefix",
      { ...good, annotations: { "a_b/x": "" } },
      ['metadata.annotations: Invalid value: "a_b/x": prefix part a lowercase'],
    ],
    [
      "too many slashes",
      { ...good, labels: { "a/b/c": "" } },
      ['metadata.labels: Invalid value: "a/b/c": a valid label key must consist'],
    ],
    [
      "too long annotations",
      { ...good, annotations: { x: "y".repeat(262_145) } },
      ["metadata.annotations: Too long: may not be more than 262144 bytes"],
    ],
    [
      "two controllers",
      {
        ...good,
        ownerReferences: ["a", "b"].map((name) => ({
          apiVersion: "v1",
          kind: "Pod",
          name,
          uid: "u",
          controller: true,
        })),
      },
      ["metadata.ownerReferences: Invalid value: [{"],
    ],
    [
      "an owner without a name",
      { ...good, ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "", uid: "u" }] },
      ["metadata.ownerReferences[0].name: Required value: must not be empty"],
    ],
  ] as const)
    it(title, () => {
      const found = validateObjectMeta(metadata, rule).map(
        (one) => `${one.path}: ${describeFieldError(one)}`,
      );
      expect(found).toHaveLength(expected.length);
      for (const [index, text] of expected.entries()) expect(found[index]).toContain(text);
    });

  it("of an update keeps what may not change", () => {
    const before = {
      ...good,
      uid: "a",
      resourceVersion: "5",
      generation: 3,
      deletionTimestamp: "x",
    };
    const after = { ...before, uid: "b", generation: 2, finalizers: ["a/b"], resourceVersion: "" };
    const found = validateObjectMetaUpdate(after, before).map(
      (one) => `${one.path}: ${describeFieldError(one)}`,
    );
    expect(found).toEqual([
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
      'metadata.resourceVersion: Invalid value: "": must be specified for an update',
      "metadata.generation: Invalid value: 2: must not be decremented",
      'metadata.uid: Invalid value: "b": field is immutable',
    ]);
  });
});

describe("a Status", () => {
  const pods = { group: "", name: "pods" };
  const deployments = { group: "apps", name: "deployments" };
  const two = [required("spec.a"), required("spec.b", "why")];
  for (const [error, message, code] of [
    [notFound(pods, "x"), 'pods "x" not found', 404],
    [notFound(deployments, "x"), 'deployments.apps "x" not found', 404],
    [alreadyExists(pods, "x"), 'pods "x" already exists', 409],
    [
      conflict(pods, "x"),
      'Operation cannot be fulfilled on pods "x": the object has been modified;',
      409,
    ],
    [forbidden(pods, "", "no"), "pods is forbidden: no", 403],
    [forbidden(pods, "x", "no"), 'pods "x" is forbidden: no', 403],
    [
      invalid({ group: "apps", name: "Deployment" }, "x", two),
      'Deployment.apps "x" is invalid: [spec.a: Required value, spec.b: Required value: why]',
      422,
    ],
    [
      invalid({ group: "", name: "Pod" }, "x", two.slice(0, 1)),
      'Pod "x" is invalid: spec.a: Required value',
      422,
    ],
    [new Error("broken"), "Internal error occurred: broken", 500],
  ] as const)
    it(message, () => {
      const status = toStatus(error);
      expect(status).toMatchObject({ kind: "Status", apiVersion: "v1", status: "Failure", code });
      expect(status.message).toContain(message);
      const back = statusFromObject(JSON.parse(JSON.stringify(status)));
      expect(back.code).toBe(code);
      expect(toStatus(back)).toEqual(status);
    });

  it("names the causes", () =>
    expect(toStatus(invalid(pods, "x", two)).details).toEqual({
      name: "x",
      kind: "pods",
      causes: [
        { reason: "FieldValueRequired", message: "Required value", field: "spec.a" },
        { reason: "FieldValueRequired", message: "Required value: why", field: "spec.b" },
      ],
    }));
  it("is made up where the body has none", () => {
    expect(isReason(statusFromCode(404, ""), "NotFound")).toBe(true);
    expect(isReason(statusFromCode(502, "bad gateway"), "InternalError")).toBe(true);
    expect(statusFromText(503, " bad gateway\n", 3)).toMatchObject({
      reason: "ServiceUnavailable",
      message: "bad",
    });
    const status = { kind: "Status", message: "it is gone", reason: "NotFound" };
    expect(statusFromText(502, JSON.stringify(status), 3)).toMatchObject({
      reason: "NotFound",
      message: "it is gone",
    });
    expect(isReason(statusFromObject({ reason: "Strange", code: 409 }), "Conflict")).toBe(true);
  });
});
