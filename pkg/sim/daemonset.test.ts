import { describe, expect, it } from "vitest";
import type { DaemonSet, RollingUpdateDaemonSet } from "../../api/apps/v1.ts";
import type { Pod } from "../../api/core/v1.ts";
import { controllerRevisions, daemonSets, nodes, pods } from "../../api/resources.ts";
import { simulate, type Simulation } from "./simulate.ts";

const key = { namespace: "default", name: "agent" };

const agent = (
  image: string,
  {
    rollingUpdate,
    spec,
  }: { readonly rollingUpdate?: RollingUpdateDaemonSet; readonly spec?: object } = {},
): DaemonSet => ({
  metadata: key,
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: {
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "main", image }], ...spec },
    },
    ...(rollingUpdate === undefined ? {} : { updateStrategy: { rollingUpdate } }),
  },
});

const isWhole = ({ metadata, status }: DaemonSet): boolean =>
  status !== undefined &&
  status.observedGeneration === metadata?.generation &&
  (status.updatedNumberScheduled ?? 0) === status.desiredNumberScheduled &&
  (status.numberAvailable ?? 0) === status.desiredNumberScheduled;

async function clusterWith(daemonSet: DaemonSet): Promise<Simulation> {
  const cluster = await simulate({ seed: 5, nodes: 3 });
  await cluster.client.resource(daemonSets).create(daemonSet);
  expect(await settled(cluster, 3)).toBe(true);
  return cluster;
}

/** Every node that is meant has its pod, of the current template, and there is none besides. */
function settled(cluster: Simulation, wanted: number): Promise<boolean> {
  const sets = cluster.informers.informer(daemonSets);
  const seenPods = cluster.informers.informer(pods);
  return cluster.runUntil(
    () =>
      sets.list().length > 0 &&
      sets.list().every((one) => isWhole(one) && one.status?.desiredNumberScheduled === wanted) &&
      seenPods.list().length === wanted,
    300_000,
  );
}

const change = async (cluster: Simulation, { spec }: DaemonSet): Promise<void> => {
  const api = cluster.client.resource(daemonSets);
  await api.update({ ...(await api.get(key)), spec });
};

const imagesOf = (found: readonly Pod[]): ReadonlySet<string | undefined> =>
  new Set(found.map(({ spec }) => spec?.containers[0]?.image));

describe("a DaemonSet", () => {
  it("has one pod on every node, and follows the nodes", async () => {
    await using cluster = await clusterWith(agent("one", { spec: { nodeSelector: {} } }));
    const api = cluster.client.resource(nodes);
    const seen = cluster.informers.informer(pods);
    const [first = { metadata: { name: "" } }] = (await api.list()).items;
    const name = first.metadata?.name ?? "";
    await change(cluster, agent("one", { spec: { nodeSelector: { disk: "fast" } } }));
    expect(await settled(cluster, 0)).toBe(true);
    const labels = { disk: "fast" };
    await api.patch({ name }, { type: "merge", body: { metadata: { labels } } });
    expect(await settled(cluster, 1)).toBe(true);
    expect(seen.list()[0]?.spec?.nodeName).toBe(name);
    const taints = [{ key: "mine", effect: "NoExecute" }];
    await api.patch({ name }, { type: "merge", body: { spec: { taints } } });
    expect(await settled(cluster, 0)).toBe(true);
  });

  it("stays on a node that is cordoned or silent, and goes with one that is deleted", async () => {
    await using cluster = await clusterWith(agent("one"));
    const api = cluster.client.resource(nodes);
    const seen = cluster.informers.informer(pods);
    const before = new Set(seen.list().map(({ metadata }) => metadata?.uid));
    await api.patch({ name: "node-1" }, { type: "merge", body: { spec: { unschedulable: true } } });
    cluster.loseNode("node-2");
    await cluster.clock.advance(400_000);
    expect(new Set(seen.list().map(({ metadata }) => metadata?.uid))).toEqual(before);
    await api.delete({ name: "node-2" });
    expect(await settled(cluster, 2)).toBe(true);
  });

  it("replaces its pods one node after the other, and goes back", async () => {
    await using cluster = await clusterWith(agent("one"));
    const sets = cluster.informers.informer(daemonSets);
    let least = 3;
    using _watching = sets.onChange((now) => {
      least = Math.min(least, now?.status?.numberAvailable ?? 0);
    });
    await change(cluster, agent("two"));
    await cluster.clock.advance(1_000);
    cluster.crashControlPlane();
    expect(await settled(cluster, 3)).toBe(true);
    expect(imagesOf(cluster.informers.informer(pods).list())).toEqual(new Set(["two"]));
    expect(least).toBe(2);
    await change(cluster, agent("one"));
    expect(await settled(cluster, 3)).toBe(true);
    const revisions = (await cluster.client.resource(controllerRevisions).list()).items;
    expect(new Set(revisions.map(({ revision }) => revision))).toEqual(new Set([2, 3]));
  });

  it("surges: no node is ever without", async () => {
    const rollingUpdate = { maxUnavailable: 0, maxSurge: 1 };
    await using cluster = await clusterWith(agent("one", { rollingUpdate }));
    const sets = cluster.informers.informer(daemonSets);
    const seen = cluster.informers.informer(pods);
    let least = 3;
    let most = 0;
    using _watching = sets.onChange((now) => {
      least = Math.min(least, now?.status?.numberAvailable ?? 0);
      most = Math.max(most, seen.list().length);
    });
    await change(cluster, agent("two", { rollingUpdate }));
    expect(await settled(cluster, 3)).toBe(true);
    expect([least, most > 3]).toEqual([3, true]);
    expect(imagesOf(seen.list())).toEqual(new Set(["two"]));
  });

  it("leaves its pods behind when told to, and adopts them again", async () => {
    await using cluster = await clusterWith(agent("one"));
    const seen = cluster.informers.informer(pods);
    const uids = (): ReadonlySet<string | undefined> =>
      new Set(seen.list().map(({ metadata }) => metadata?.uid));
    const before = uids();
    const api = cluster.client.resource(daemonSets);
    await api.delete(key, { propagationPolicy: "Orphan" });
    const isFree = ({ metadata }: Pod): boolean => (metadata?.ownerReferences ?? []).length === 0;
    const sets = cluster.informers.informer(daemonSets);
    const areFree = () => sets.list().length === 0 && seen.list().every(isFree);
    expect(await cluster.runUntil(areFree, 60_000)).toBe(true);
    await api.create(agent("one"));
    expect(await settled(cluster, 3)).toBe(true);
    expect(uids()).toEqual(before);
    await api.delete(key);
    expect(await cluster.runUntil(() => seen.list().length === 0, 60_000)).toBe(true);
    const revisions = cluster.informers.informer(controllerRevisions);
    expect(await cluster.runUntil(() => revisions.list().length === 0, 60_000)).toBe(true);
  });
});
