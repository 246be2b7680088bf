import { describe, expect, it } from "vitest";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch, createMergePatch, createThreeWayMergePatch } from "./merge-patch.ts";
import { kubernetesSchema } from "./schema.ts";
import { createStrategicMergePatch, createThreeWayStrategicPatch } from "./strategic-diff.ts";
import { applyStrategicMergePatch } from "./strategic-merge.ts";

describe("JSON patch", () => {
  const document = { a: { b: [1, 2, 3] }, "x/y": 1, "t~": 2 };
  for (const [title, operation, result] of [
    [
      "adds before",
      { op: "add", path: "/a/b/1", value: 9 },
      { ...document, a: { b: [1, 9, 2, 3] } },
    ],
    [
      "adds at the end",
      { op: "add", path: "/a/b/-", value: 9 },
      { ...document, a: { b: [1, 2, 3, 9] } },
    ],
    ["removes", { op: "remove", path: "/a/b/0" }, { ...document, a: { b: [2, 3] } }],
    [
      "replaces an escaped key",
      { op: "replace", path: "/x~1y", value: 5 },
      { ...document, "x/y": 5 },
    ],
    ["removes an escaped key", { op: "remove", path: "/t~0" }, { a: { b: [1, 2, 3] }, "x/y": 1 }],
    ["moves", { op: "move", from: "/a/b/0", path: "/c" }, { ...document, a: { b: [2, 3] }, c: 1 }],
    ["copies", { op: "copy", from: "/a/b", path: "/c" }, { ...document, c: [1, 2, 3] }],
    ["tests", { op: "test", path: "/a/b", value: [1, 2, 3] }, document],
    ["replaces all", { op: "replace", path: "", value: 1 }, 1],
  ] as const)
    it(title, () => expect(applyJsonPatch(document, [operation])).toEqual(result));

  for (const [operation, message] of [
    [{ op: "test", path: "/a", value: 1 }, "testing value /a failed: test failed"],
    [{ op: "remove", path: "/z" }, "remove operation does not apply: doc is missing path: /z"],
    [{ op: "replace", path: "/z", value: 1 }, "replace operation does not apply"],
    [{ op: "add", path: "/a/b/7", value: 1 }, "add operation does not apply"],
    [{ op: "add", path: "/z/y", value: 1 }, "add operation does not apply"],
    [{ op: "add", path: "z", value: 1 }, "JSON pointer must be empty or start"],
    [{ op: "jump", path: "/a" }, "Unexpected kind: jump"],
    [{ path: "/a" }, "an operation needs op and path"],
  ] as const)
    it(`refuses ${JSON.stringify(operation)}`, () =>
      expect(() => applyJsonPatch(document, [operation])).toThrow(message));

  it("leaves the document alone", () => {
    const before = structuredClone(document);
    applyJsonPatch(document, [{ op: "remove", path: "/a/b/0" }]);
    expect(document).toEqual(before);
  });
});

describe("JSON merge patch", () => {
  for (const [document, patch, result] of [
    [{ a: 1, b: { c: 2, d: 3 } }, { a: null, b: { c: 4 } }, { b: { c: 4, d: 3 } }],
    [{ a: [1, 2] }, { a: [3] }, { a: [3] }],
    [{ a: 1 }, { b: { c: null, d: 1 } }, { a: 1, b: { d: 1 } }],
    [1, { a: 1 }, { a: 1 }],
  ] as const)
    it(`${JSON.stringify(patch)} makes ${JSON.stringify(result)}`, () =>
      expect(applyMergePatch(document, patch)).toEqual(result));

  it("is made from two documents", () => {
    const [before, after] = [
      { a: 1, b: { c: 1, d: 2 }, e: [1] },
      { b: { c: 1 }, e: [1, 2], f: 1 },
    ];
    const patch = createMergePatch(before, after);
    expect(patch).toEqual({ a: null, b: { d: null }, e: [1, 2], f: 1 });
    expect(applyMergePatch(before, patch)).toEqual(after);
  });

  it("is made from three, and leaves what others set", () => {
    const patch = createThreeWayMergePatch(
      { spec: { a: 1, b: 2 } },
      { spec: { a: 5 } },
      { spec: { a: 1, b: 2, other: 3 }, status: {} },
    );
    expect(patch).toEqual({ spec: { a: 5, b: null } });
  });
});

const key = "apps.v1.Deployment";
const deployment = (containers: readonly object[], rest: object = {}): Record<string, unknown> => ({
  spec: { template: { spec: { containers, ...rest } } },
});
const strategic = (document: Record<string, unknown>, patch: Record<string, unknown>): unknown =>
  applyStrategicMergePatch(kubernetesSchema, key, document, patch);

describe("strategic merge patch", () => {
  const web = { name: "web", image: "nginx:1", ports: [{ containerPort: 80 }] };
  const log = { name: "log", image: "log:1" };
  for (const [title, before, patch, after] of [
    [
      "merges a list by its key",
      deployment([web, log]),
      deployment([{ name: "log", image: "log:2" }]),
      deployment([web, { name: "log", image: "log:2" }]),
    ],
    [
      "adds what is new, at its place",
      deployment([web]),
      deployment([log]),
      deployment([log, web]),
    ],
    [
      "deletes an item",
      deployment([web, log]),
      deployment([{ name: "web", $patch: "delete" }]),
      deployment([log]),
    ],
    [
      "replaces a list",
      deployment([web, log]),
      deployment([{ name: "new" }, { $patch: "replace" }]),
      deployment([{ name: "new" }]),
    ],
    [
      "replaces a map",
      { metadata: { labels: { a: "1", b: "2" } } },
      { metadata: { labels: { c: "3", $patch: "replace" } } },
      { metadata: { labels: { c: "3" } } },
    ],
    [
      "replaces a list without a merge strategy",
      deployment([{ ...web, args: ["a", "b"] }]),
      deployment([{ name: "web", args: ["c"] }]),
      deployment([{ ...web, args: ["c"] }]),
    ],
    [
      "orders a list",
      deployment([web, log, { name: "mine" }]),
      {
        spec: {
          template: {
            spec: { "$setElementOrder/containers": [{ name: "log" }, { name: "web" }] },
          },
        },
      },
      deployment([log, web, { name: "mine" }]),
    ],
    [
      "takes items out of a list of plain values",
      { metadata: { finalizers: ["a", "b", "c"] } },
      { metadata: { "$deleteFromPrimitiveList/finalizers": ["b"], finalizers: ["d"] } },
      { metadata: { finalizers: ["d", "a", "c"] } },
    ],
    [
      "retains only some keys",
      { spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } } },
      { spec: { strategy: { type: "Recreate", $retainKeys: ["type"] } } },
      { spec: { strategy: { type: "Recreate" } } },
    ],
    [
      "removes a field with null, and leaves nulls out of what is new",
      { spec: { replicas: 3 } },
      { spec: { replicas: null, paused: true, selector: { matchLabels: null } } },
      { spec: { paused: true, selector: {} } },
    ],
  ] as const)
    it(title, () => expect(strategic(before, patch)).toEqual(after));

  it("needs the merge key", () =>
    expect(() => strategic(deployment([web]), deployment([{ image: "x" }]))).toThrow(
      "does not contain declared merge key: name",
    ));
  it("knows its directives", () =>
    expect(() => strategic({}, { $patch: "explode" })).toThrow(
      "unknown patch type: explode in map: map[$patch:explode]",
    ));
});

describe("a strategic merge patch that was made", () => {
  const volume = (name: string, source: object): object => ({ name, ...source });
  const before = deployment(
    [{ name: "a", image: "1", env: [{ name: "X", value: "1" }] }, { name: "b" }],
    {
      volumes: [volume("v", { emptyDir: {} })],
    },
  );
  const after = deployment([{ name: "b" }, { name: "a", image: "2", env: [] }, { name: "c" }], {
    volumes: [volume("v", { hostPath: { path: "/" } })],
  });

  it("makes the one of the other", () => {
    const patch = createStrategicMergePatch(kubernetesSchema, key, before, after);
    expect(strategic(before, patch)).toEqual(after);
    expect(patch).toMatchObject({
      spec: {
        template: {
          spec: {
            volumes: [{ name: "v", emptyDir: null, $retainKeys: ["hostPath", "name"] }],
            "$setElementOrder/containers": [{ name: "b" }, { name: "a" }, { name: "c" }],
          },
        },
      },
    });
  });

  it("from three objects takes away only what it once gave", () => {
    const original = {
      metadata: { labels: { a: "1", b: "2" } },
      ...deployment([{ name: "web", image: "1" }, { name: "old" }]),
    };
    const modified = {
      metadata: { labels: { a: "1" } },
      ...deployment([{ name: "web", image: "2" }]),
    };
    const current = {
      metadata: { labels: { a: "1", b: "2", theirs: "3" }, uid: "u" },
      ...deployment([
        { name: "web", image: "1", imagePullPolicy: "Always" },
        { name: "old" },
        { name: "sidecar" },
      ]),
    };
    const patch = createThreeWayStrategicPatch(kubernetesSchema, key, {
      original,
      modified,
      current,
    });
    expect(patch).toEqual({
      metadata: { labels: { b: null } },
      spec: {
        template: {
          spec: {
            containers: [
              { name: "web", image: "2" },
              { name: "old", $patch: "delete" },
            ],
            "$setElementOrder/containers": [{ name: "web" }],
          },
        },
      },
    });
    expect(strategic(current, patch)).toEqual({
      metadata: { labels: { a: "1", theirs: "3" }, uid: "u" },
      ...deployment([{ name: "web", image: "2", imagePullPolicy: "Always" }, { name: "sidecar" }]),
    });
  });

  it("is empty when nothing is to be done", () => {
    const three = { original: before, modified: before, current: { ...before, status: {} } };
    expect(createThreeWayStrategicPatch(kubernetesSchema, key, three)).toEqual({});
  });
});
