import { expect, it } from "vitest";
import { pods } from "../../api/resources.ts";
import { nextPodCondition } from "./pod-facts.ts";
import { writePodCondition } from "./pod-writes.ts";
import { pod } from "./testing/objects.ts";
import { simulate } from "../sim/simulate.ts";

const condition = (type: string, status: string) => ({
  type,
  status,
  lastTransitionTime: "2026-01-01T00:00:00Z",
});
const now = "2026-01-01T00:10:00Z";

it("a condition is written alone: what others wrote since we looked stays", async () => {
  await using cluster = await simulate({ seed: 1, nodes: 0 });
  // Until the namespace has its ServiceAccount.
  await cluster.clock.advance(5_000);
  const api = cluster.client.resource(pods);
  const key = { namespace: "default", name: "a" };
  const spec = { containers: [{ name: "a", image: "i" }], automountServiceAccountToken: false };
  const seen = await api.create({ metadata: key, spec });
  const write = (...conditions: readonly ReturnType<typeof condition>[]) =>
    api.patch(key, { type: "merge", body: { status: { conditions } } }, { subresource: "status" });
  await write(condition("Ready", "True"), condition("DisruptionTarget", "True"));
  const { signal } = new AbortController();
  await writePodCondition(seen, { type: "Ready", status: "False" }, cluster, signal);
  const { status } = await api.get(key);
  expect(status?.conditions).toMatchObject([
    { type: "Ready", status: "False" },
    condition("DisruptionTarget", "True"),
  ]);
});

it("a condition keeps the time of its transition while its status is the same", () => {
  const ready = { ...pod("a"), status: { conditions: [condition("Ready", "False")] } };
  expect(nextPodCondition(ready, { type: "Ready", status: "False" }, now)).toEqual(
    condition("Ready", "False"),
  );
});
