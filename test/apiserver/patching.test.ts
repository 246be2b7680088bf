/** Patches leave the cache's objects alone, and give what decoding all of it again would give. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "vitest";
import { pods } from "../../api/resources.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { resources } from "../../pkg/apiserver/resources.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";

const path = "/api/v1/namespaces/default/pods/a";
const pod = {
  metadata: { name: "a", labels: { app: "web" }, annotations: { note: "x" } },
  spec: {
    serviceAccountName: "default",
    automountServiceAccountToken: false,
    containers: [
      {
        name: "main",
        image: "registry.example/web:1",
        env: [{ name: "A", value: "1" }],
        resources: { requests: { cpu: "0.1", memory: "64Mi" } },
      },
    ],
    tolerations: [{ key: "k", operator: "Exists" }],
  },
};

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}

/** What a patch may do, the body as it is sent, and the part of the answer that tells. */
const strategic = "strategic-merge-patch+json";
const cases: readonly (readonly [title: string, type: string, patch: unknown, status: number])[] = [
  ["a label, by merge", "merge-patch+json", { metadata: { labels: { n: "1" } } }, 200],
  ["the annotations, removed", "merge-patch+json", { metadata: { annotations: null } }, 200],
  ["a label, strategically", strategic, { metadata: { labels: { m: "2" } } }, 200],
  [
    "an image, strategically",
    strategic,
    { spec: { containers: [{ name: "main", image: "registry.example/web:2" }] } },
    200,
  ],
  ["an image, by JSON patch", "json-patch+json", imagePatch("registry.example/web:3"), 200],
  ["a deadline", "merge-patch+json", { spec: { activeDeadlineSeconds: 30 } }, 200],
  ["nothing", "merge-patch+json", {}, 200],
  ["the hostname, which may not change", strategic, { spec: { hostname: "b" } }, 422],
  ["a field that no pod has", "merge-patch+json", { spec: { foo: 1 }, bar: 2 }, 200],
  ["a field of the wrong type", "merge-patch+json", { metadata: { labels: 1 } }, 422],
  ["the spec, removed", "merge-patch+json", { spec: null }, 422],
  ["another kind", "merge-patch+json", { kind: "Node" }, 200],
  ["a name that is not its own", "merge-patch+json", { metadata: { name: "b" } }, 400],
];

function imagePatch(value: string): unknown {
  return [
    { op: "test", path: "/kind", value: "Pod" },
    { op: "replace", path: "/spec/containers/0/image", value },
  ];
}

describe("a patch", () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await startTestServer({ clock: systemClock, resources });
    for (const [kind, name] of [
      ["namespaces", "default"],
      ["namespaces/default/serviceaccounts", "default"],
    ] as const)
      await server.call("POST", `/api/v1/${kind}`, { metadata: { name } });
    const { status, text } = await server.call("POST", path.slice(0, -2), pod);
    assert.equal(status, 201, text);
  });
  afterEach(() => server.stop());

  const frozen = (): void => {
    const store = server.stores.find(pods);
    const entry = store?.cache.get("/registry/pods/default/a");
    assert.ok(store !== undefined && entry !== undefined);
    freeze(store.objectOf(entry));
  };
  const current = async (): Promise<Record<string, unknown>> =>
    (await server.call("GET", path)).json as Record<string, unknown>;

  for (const [title, type, patch, status] of cases)
    it(`changes what it names and nothing that is shared: ${title}`, async () => {
      const before = await current();
      frozen();
      const headers = { "content-type": `application/${type}` };
      const answer = await server.call("PATCH", path, patch, headers);
      assert.equal(answer.status, status, answer.text);
      if (status !== 200) return assert.deepEqual(await current(), before);
      const after = answer.json as Record<string, unknown>;
      assert.deepEqual(await current(), after);
      // A write of the whole object says the same: nothing of it would be decoded otherwise.
      const put = await server.call("PUT", path, after);
      assert.equal(put.status, 200, put.text);
      assert.deepEqual(put.json, after);
    });
});
