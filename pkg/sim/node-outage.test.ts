import { describe, expect, it } from "vitest";
import { deployments, endpointSlices, leases, nodes, pods, services } from "../../api/resources.ts";
import { simulate, type Simulation } from "./simulate.ts";
import { deployment, isWhole, service } from "./testing/objects.ts";

const unreachable = "node.kubernetes.io/unreachable";

/** Three nodes with six pods of one Service, and what watches them. */
async function running(seed: number) {
  const cluster = await simulate({ seed, nodes: 3 });
  const seen = {
    nodes: cluster.informers.informer(nodes),
    pods: cluster.informers.informer(pods),
    slices: cluster.informers.informer(endpointSlices),
    deployments: cluster.informers.informer(deployments),
    leases: cluster.informers.informer(leases),
  };
  await cluster.client.resource(deployments).create(deployment("web", 6));
  await cluster.client.resource(services).create(service("web"));
  const isServed = (): boolean => seen.deployments.list().some(isWhole) && served(seen) === 6;
  expect(await cluster.runUntil(isServed, 60_000)).toBe(true);
  // Nodes renew their leases at moments that have nothing to do with each other.
  await cluster.clock.advance(10_000 * cluster.random.fraction());
  return { cluster, seen };
}
type Seen = Awaited<ReturnType<typeof running>>["seen"];

const endpointsOf = ({ slices }: Pick<Seen, "slices">) =>
  slices
    .list("default")
    .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === "web")
    .flatMap(({ endpoints }) => endpoints ?? []);
const served = (seen: Pick<Seen, "slices">): number =>
  endpointsOf(seen).filter(({ conditions }) => conditions?.ready === true).length;
const readyOf = ({ nodes: all }: Seen, name: string): string | undefined =>
  all.get(name)?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
const taintsOf = ({ nodes: all }: Seen, name: string): readonly string[] =>
  (all.get(name)?.spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const statesOf = (seen: Seen): readonly (string | undefined)[] =>
  ["node-0", "node-1", "node-2"].map((name) => readyOf(seen, name));

/** Milliseconds of simulated time until the condition holds. */
async function timeUntil(cluster: Simulation, holds: () => boolean): Promise<number> {
  const from = cluster.clock.monotonic();
  expect(await cluster.runUntil(holds, 600_000)).toBe(true);
  return cluster.clock.monotonic() - from;
}

describe("a node that falls silent", () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`is not ready within 40 s, and out of its Services with it (seed ${seed})`, async () => {
      const { cluster, seen } = await running(seed);
      await using _ = cluster;
      cluster.loseNode("node-1");
      const toNotReady = await timeUntil(cluster, () => readyOf(seen, "node-1") === "Unknown");
      expect(toNotReady).toBeLessThanOrEqual(40_000);
      expect(toNotReady).toBeGreaterThan(29_000);
      const isOut = (): boolean =>
        endpointsOf(seen).every(({ nodeName, conditions }) =>
          nodeName === "node-1" ? conditions?.ready === false : conditions?.ready === true,
        );
      expect(await timeUntil(cluster, isOut)).toBeLessThanOrEqual(1_000);
      expect(taintsOf(seen, "node-1")).toEqual([
        `${unreachable}:NoSchedule`,
        `${unreachable}:NoExecute`,
      ]);
    });

  it("is judged in full time again by a control plane that has just started", async () => {
    const { cluster, seen } = await running(6);
    await using _ = cluster;
    cluster.loseNode("node-1");
    await cluster.clock.advance(25_000);
    cluster.crashControlPlane();
    const toNotReady = await timeUntil(cluster, () => readyOf(seen, "node-1") === "Unknown");
    expect(toNotReady).toBeGreaterThan(39_000);
    expect(toNotReady).toBeLessThanOrEqual(40_500);
    expect(statesOf(seen)).toEqual(["True", "Unknown", "True"]);
  });

  it("keeps its taints and its unready pods over a restart of the control plane", async () => {
    const { cluster, seen } = await running(7);
    await using _ = cluster;
    cluster.loseNode("node-1");
    await timeUntil(cluster, () => taintsOf(seen, "node-1").length === 2);
    cluster.crashControlPlane();
    await cluster.clock.advance(20_000);
    expect(taintsOf(seen, "node-1")).toHaveLength(2);
    expect(readyOf(seen, "node-1")).toBe("Unknown");
  });
});

describe("who cannot hear anybody", () => {
  for (const [title, faults] of [
    ["because nothing reaches the server", { lostRequest: 1, brokenWatch: 1 }],
    ["because the server fails", { serverError: 1, brokenWatch: 1 }],
    ["because the server fails, though watches stay", { serverError: 1 }],
  ] as const)
    it(`gives no node up ${title}`, async () => {
      const { cluster, seen } = await running(8);
      await using _ = cluster;
      const lost: string[] = [];
      using _watching = seen.nodes.onChange((now) => {
        const name = now?.metadata?.name ?? "";
        if (readyOf(seen, name) !== "True") lost.push(name);
      });
      const none = { ...cluster.faults };
      // Ends shortly before or after the graces, or the doubts: nodes need seconds to be heard.
      for (const outageMs of [27_000, 31_000, 35_000, 39_000, 53_000, 55_000, 57_000, 120_000]) {
        Object.assign(cluster.faults, faults);
        await cluster.clock.advance(outageMs);
        Object.assign(cluster.faults, none);
        await cluster.clock.advance(61_500);
      }
      expect(lost).toEqual([]);
      expect(served(seen)).toBe(6);
      // It hears again: a node that falls silent now is given up.
      cluster.loseNode("node-2");
      const toNotReady = await timeUntil(cluster, () => readyOf(seen, "node-2") === "Unknown");
      expect(toNotReady).toBeLessThanOrEqual(40_000);
    });
});

describe("when all nodes are lost", () => {
  it("no pod is driven away, also not from the first; and all heals", async () => {
    const { cluster, seen } = await running(9);
    await using _ = cluster;
    cluster.loseNode("node-0");
    await cluster.clock.advance(30_000);
    for (const name of ["node-1", "node-2"]) cluster.loseNode(name);
    await timeUntil(cluster, () => taintsOf(seen, "node-0").includes(`${unreachable}:NoExecute`));
    await timeUntil(cluster, () => statesOf(seen).every((state) => state === "Unknown"));
    await cluster.clock.advance(6_000);
    for (const name of ["node-0", "node-1", "node-2"])
      expect(taintsOf(seen, name)).toEqual([`${unreachable}:NoSchedule`]);
    const uids = (): readonly string[] =>
      seen.pods
        .list("default")
        .map(({ metadata }) => metadata?.uid ?? "")
        .toSorted();
    const before = uids();
    await cluster.clock.advance(400_000);
    expect(uids()).toEqual(before);
    expect(seen.pods.list().some(({ metadata }) => metadata?.deletionTimestamp)).toBe(false);
    for (const name of ["node-0", "node-1", "node-2"]) cluster.restoreNode(name);
    const isHealed = (): boolean =>
      statesOf(seen).every((state) => state === "True") &&
      ["node-0", "node-1", "node-2"].every((name) => taintsOf(seen, name).length === 0) &&
      served(seen) === 6;
    expect(await timeUntil(cluster, isHealed)).toBeLessThanOrEqual(30_000);
  });
});

describe("when several nodes are lost at once", () => {
  it("they are given up together, and evicted one in ten seconds", async () => {
    const { cluster, seen } = await running(10);
    await using _ = cluster;
    for (const name of ["node-0", "node-1"]) cluster.loseNode(name);
    const evicted = (): number =>
      ["node-0", "node-1"].filter((name) =>
        taintsOf(seen, name).includes(`${unreachable}:NoExecute`),
      ).length;
    await timeUntil(cluster, () => statesOf(seen).join() === "Unknown,Unknown,True");
    await timeUntil(cluster, () => evicted() === 1);
    expect(await timeUntil(cluster, () => evicted() === 2)).toBeGreaterThan(0);
    const times = ["node-0", "node-1"].map((name) =>
      Date.parse(
        seen.nodes.get(name)?.spec?.taints?.find(({ effect }) => effect === "NoExecute")
          ?.timeAdded ?? "",
      ),
    );
    expect(Math.abs((times[0] ?? 0) - (times[1] ?? 0))).toBeGreaterThanOrEqual(9_000);
  });
});
