import { describe, expect, it } from "vitest";
import {
  configMaps,
  deployments,
  endpointSlices,
  endpoints,
  events,
  namespaces,
  nodes,
  pods,
  replicaSets,
  serviceAccounts,
  services,
} from "../../api/resources.ts";
import { isReason } from "../machinery/status-error.ts";
import { simulate, type Simulation } from "./simulate.ts";
import { deployment, isWhole, pod, service } from "./testing/objects.ts";

const key = (name: string) => ({ namespace: "default", name });

/** A cluster with the Deployment "web" of so many replicas, all of them available. */
async function clusterWithWeb(replicas: number): Promise<Simulation> {
  const cluster = await simulate({ seed: 11, nodes: 3 });
  await cluster.client.resource(deployments).create(deployment("web", replicas));
  const seen = cluster.informers.informer(deployments);
  expect(await cluster.runUntil(() => seen.list().some(isWhole), 60_000)).toBe(true);
  return cluster;
}

const isGone = async (request: Promise<unknown>): Promise<boolean> => {
  try {
    await request;
    return false;
  } catch (error) {
    return isReason(error, "NotFound");
  }
};

describe("a Deployment", () => {
  it("rolls to a new template within its bounds, and back", async () => {
    await using cluster = await clusterWithWeb(4);
    const api = cluster.client.resource(deployments);
    const seen = cluster.informers.informer(deployments);
    const seenPods = cluster.informers.informer(pods);
    await seenPods.synced;
    let most = 0;
    let least = 4;
    using _watching = seen.onChange((now) => {
      most = Math.max(most, now?.status?.replicas ?? 0);
      least = Math.min(least, now?.status?.availableReplicas ?? 0);
    });
    const change = async (image: string): Promise<void> => {
      const { spec } = deployment("web", 4, image);
      await api.update({ ...(await api.get(key("web"))), spec });
      expect(await cluster.runUntil(() => seen.list().every(isWhole), 120_000)).toBe(true);
    };
    await change("two");
    expect([most, least]).toEqual([5, 3]);
    await change("one");
    const sets = await cluster.client.resource(replicaSets).list();
    const revisions = sets.items.map(({ metadata, spec }) => [
      spec.template?.spec?.containers[0]?.image,
      spec.replicas,
      metadata?.annotations?.["deployment.kubernetes.io/revision"],
    ]);
    expect(new Set(revisions)).toEqual(
      new Set([
        ["one", 4, "3"],
        ["two", 0, "2"],
      ]),
    );
    const deploymentNow = await api.get(key("web"));
    expect(deploymentNow.metadata?.annotations?.["deployment.kubernetes.io/revision"]).toBe("3");
    const told = (await cluster.client.resource(events).list()).items;
    expect(told.map(({ reason, message }) => `${reason} ${message}`)).toContainEqual(
      expect.stringMatching(/^ScalingReplicaSet Scaled up replica set web-\w+ from 0 to 4$/),
    );
  });

  it("replaces a pod that was deleted, and follows its scale", async () => {
    await using cluster = await clusterWithWeb(2);
    const seenPods = cluster.informers.informer(pods);
    const seen = cluster.informers.informer(deployments);
    await seenPods.synced;
    const [victim] = seenPods.list();
    const name = victim?.metadata?.name ?? "";
    await cluster.client.resource(pods).delete(key(name));
    const isReplaced = (): boolean =>
      seenPods.get(`default/${name}`) === undefined &&
      seenPods.list().length === 2 &&
      seen.list().every(isWhole);
    expect(await cluster.runUntil(isReplaced, 60_000)).toBe(true);
    const patch = { type: "merge", body: { spec: { replicas: 0 } } } as const;
    await cluster.client.resource(deployments).patch(key("web"), patch);
    expect(await cluster.runUntil(() => seenPods.list().length === 0, 60_000)).toBe(true);
  });
});

describe("a Service", () => {
  it("has the ready pods as its endpoints, in both forms", async () => {
    await using cluster = await clusterWithWeb(3);
    await cluster.client.resource(services).create(service("web"));
    const sliceInformer = cluster.informers.informer(endpointSlices);
    const old = cluster.informers.informer(endpoints);
    const slices = () =>
      sliceInformer
        .list("default")
        .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === "web");
    const ready = (): number =>
      slices()
        .flatMap((slice) => slice.endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready).length;
    const oldReady = (): number =>
      (old.get("default/web")?.subsets ?? []).flatMap(({ addresses }) => addresses ?? []).length;
    expect(await cluster.runUntil(() => ready() === 3 && oldReady() === 3, 60_000)).toBe(true);
    expect(slices()[0]?.ports).toEqual([{ name: "http", protocol: "TCP", port: 8080 }]);
    await cluster.client.resource(services).delete(key("web"));
    const areGone = (): boolean => slices().length === 0 && old.get("default/web") === undefined;
    expect(await cluster.runUntil(areGone, 60_000)).toBe(true);
  });
});

describe("deletion", () => {
  it("takes the dependents along in the background", async () => {
    await using cluster = await clusterWithWeb(2);
    const seenPods = cluster.informers.informer(pods);
    const sets = cluster.informers.informer(replicaSets);
    await cluster.client.resource(deployments).delete(key("web"));
    const areGone = (): boolean =>
      seenPods.isSynced && sets.isSynced && seenPods.list().length + sets.list().length === 0;
    expect(await cluster.runUntil(areGone, 60_000)).toBe(true);
  });

  it("in the foreground waits for the dependents", async () => {
    await using cluster = await clusterWithWeb(2);
    const api = cluster.client.resource(deployments);
    const seenPods = cluster.informers.informer(pods);
    const seen = cluster.informers.informer(deployments);
    let podsAtItsEnd = -1;
    using _watching = seen.onChange((now) => {
      if (now === undefined) podsAtItsEnd = seenPods.list().length;
    });
    await seenPods.synced;
    await api.delete(key("web"), { propagationPolicy: "Foreground" });
    expect((await api.get(key("web"))).metadata?.finalizers).toEqual(["foregroundDeletion"]);
    expect(await cluster.runUntil(() => podsAtItsEnd >= 0, 60_000)).toBe(true);
    expect(podsAtItsEnd).toBe(0);
  });

  it("can leave the dependents behind", async () => {
    await using cluster = await clusterWithWeb(2);
    await cluster.client.resource(deployments).delete(key("web"), { propagationPolicy: "Orphan" });
    const sets = cluster.informers.informer(replicaSets);
    const seen = cluster.informers.informer(deployments);
    const isOrphaned = (): boolean =>
      seen.list().length === 0 &&
      sets.list().length === 1 &&
      sets.list().every(({ metadata }) => (metadata?.ownerReferences ?? []).length === 0);
    expect(await cluster.runUntil(isOrphaned, 60_000)).toBe(true);
    await cluster.clock.advance(60_000);
    expect(sets.list()).toHaveLength(1);
    // A Deployment of the same selector takes it over instead of starting anew.
    await cluster.client.resource(deployments).create(deployment("web", 2));
    expect(await cluster.runUntil(() => seen.list().some(isWhole), 60_000)).toBe(true);
    expect(sets.list()).toHaveLength(1);
  });

  it("of a namespace empties it first, pods before all else", async () => {
    await using cluster = await simulate({ seed: 3, nodes: 1 });
    const api = cluster.client.resource(namespaces);
    const accounts = cluster.informers.informer(serviceAccounts);
    await api.create({ metadata: { name: "team" } });
    expect(await cluster.runUntil(() => accounts.get("team/default") !== undefined, 10_000)).toBe(
      true,
    );
    await cluster.client.resource(pods).create(pod("one", "team"));
    const seenPods = cluster.informers.informer(pods);
    const isRunning = (): boolean => seenPods.get("team/one")?.status?.phase === "Running";
    expect(await cluster.runUntil(isRunning, 60_000)).toBe(true);
    const maps = cluster.informers.informer(configMaps);
    await maps.synced;
    let mapsAtPodsEnd = -1;
    using _watching = seenPods.onChange((now) => {
      if (now === undefined) mapsAtPodsEnd = maps.list("team").length;
    });
    await api.delete({ name: "team" });
    expect((await api.get({ name: "team" })).status?.phase).toBe("Terminating");
    const seen = cluster.informers.informer(namespaces);
    const isEmptied = (): boolean => seen.isSynced && seen.get("team") === undefined;
    expect(await cluster.runUntil(isEmptied, 120_000)).toBe(true);
    expect(mapsAtPodsEnd).toBe(1);
    expect(accounts.get("team/default")).toBeUndefined();
  });
});

describe("a lost node", () => {
  it("loses its pods only after its grace and their toleration, and all when deleted", async () => {
    await using cluster = await clusterWithWeb(3);
    const seenPods = cluster.informers.informer(pods);
    const seenNodes = cluster.informers.informer(nodes);
    await Promise.all([seenPods.synced, seenNodes.synced]);
    const onNode = () => seenPods.list().filter(({ spec }) => spec?.nodeName === "node-0");
    const before = onNode().length;
    expect(before).toBeGreaterThan(0);
    cluster.loseNode("node-0");
    await cluster.clock.advance(29_000);
    const readyOf = (name: string) =>
      seenNodes.get(name)?.status?.conditions?.find(({ type }) => type === "Ready");
    expect(readyOf("node-0")?.status).toBe("True");
    await cluster.clock.advance(15_000);
    expect(readyOf("node-0")).toMatchObject({
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
    });
    const isEnding = () => onNode().filter(({ metadata }) => metadata?.deletionTimestamp).length;
    expect(isEnding()).toBe(0);
    expect(await cluster.runUntil(() => isEnding() === before, 60_000)).toBe(true);
    expect(onNode()).toHaveLength(before);
    await cluster.client.resource(nodes).delete({ name: "node-0" });
    expect(await cluster.runUntil(() => onNode().length === 0, 120_000)).toBe(true);
    expect(await isGone(cluster.client.resource(nodes).get({ name: "node-0" }))).toBe(true);
  });
});
