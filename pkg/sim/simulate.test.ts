import { describe, expect, it } from "vitest";
import { deployments, nodes, pods } from "../../api/resources.ts";
import { simulate } from "./simulate.ts";
import { deployment, isWhole } from "./testing/objects.ts";

const lost = ["node-3", "node-7", "node-11", "node-19"];

/**
 * Ten Deployments on fifty nodes; requests fail, four nodes are lost in the middle of a rollout and
 * return, and the control plane is killed in the middle of all of it, several times.
 */
async function stormyDay(seed: number): Promise<readonly string[]> {
  await using cluster = await simulate({ seed, nodes: 50 });
  const seenDeployments = cluster.informers.informer(deployments);
  const seenPods = cluster.informers.informer(pods);
  const seenNodes = cluster.informers.informer(nodes);
  Object.assign(cluster.faults, {
    lostRequest: 0.02,
    lostResponse: 0.02,
    serverError: 0.03,
    brokenWatch: 0.002,
    delayMsMax: 20,
  });
  const reach = async (what: string, condition: () => boolean): Promise<void> => {
    const isReached = await cluster.runUntil(condition, 900_000);
    if (!isReached) throw new Error(`seed ${seed}: never came so far that ${what}`);
  };
  const api = cluster.client.resource(deployments);
  for (let index = 0; index < 10; index += 1)
    await api.create(deployment(`web-${index}`, 5 + index));
  const allWhole = (): boolean =>
    seenDeployments.list().length === 10 && seenDeployments.list().every(isWhole);
  await cluster.clock.advance(300);
  cluster.crashControlPlane();
  await reach("every Deployment has its pods", allWhole);

  for (const name of lost) cluster.loseNode(name);
  await cluster.clock.advance(20_000);
  const changing = await api.get({ namespace: "default", name: "web-9" });
  await api.update({ ...changing, spec: deployment("web-9", 14, "two").spec });
  await cluster.clock.advance(2_000);
  cluster.crashControlPlane();
  const isUnknown = (name: string): boolean =>
    seenNodes
      .get(name)
      ?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "Unknown") ===
    true;
  await reach("the lost nodes are known as lost", () => lost.every(isUnknown));
  cluster.crashControlPlane();
  const isOnLost = (name: string | undefined): boolean => lost.some((one) => one === name);
  await reach(
    "every Deployment has its pods on the nodes that are left",
    () =>
      allWhole() &&
      seenPods
        .list()
        .every(({ spec, metadata }) => !isOnLost(spec?.nodeName) || metadata?.deletionTimestamp),
  );

  for (const name of lost) cluster.restoreNode(name);
  await reach(
    "the nodes are back, and what was asked to end has ended",
    () =>
      allWhole() &&
      seenNodes.list().every(({ spec }) => (spec?.taints ?? []).length === 0) &&
      seenPods.list().length === 95,
  );
  expect(
    seenPods.list().filter(({ spec }) => spec?.containers[0]?.image === "two"),
    `seed ${seed}`,
  ).toHaveLength(14);
  return cluster.transcript;
}

describe("a cluster of fifty simulated nodes", () => {
  it("converges through lost nodes and failures, and replays by its seed only", async () => {
    const seed = 20_260_101;
    const first = await stormyDay(seed);
    expect(first.length).toBeGreaterThan(1_000);
    expect(await stormyDay(seed), `seed ${seed}`).toEqual(first);
    expect(await stormyDay(seed + 1)).not.toEqual(first);
  }, 60_000);
});
