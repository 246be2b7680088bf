/** The scheduler in a whole simulated cluster: the real API server, controllers and nodes. */
import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../api/core/v1.ts";
import {
  deployments,
  events,
  namespaces,
  nodes,
  pods,
  priorityClasses,
} from "../../api/resources.ts";
import { simulate, type Simulation } from "../sim/simulate.ts";
import { deployment } from "../sim/testing/objects.ts";

const small = (name: string, zone: string) => ({
  name,
  cpu: "2",
  labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone },
});
const three = [small("node-a", "a"), small("node-b", "b"), small("node-c", "b")];

const podOf = (name: string, spec: Partial<PodSpec> = {}, cpu = "2"): Pod => ({
  metadata: { name, namespace: "default", labels: { app: name.split("-")[0] ?? "" } },
  spec: {
    containers: [{ name: "main", image: "one", resources: { requests: { cpu } } }],
    ...spec,
  },
});

/** A started cluster whose nodes take pods, and ways to look at it. */
async function open(seed: number) {
  const cluster = await simulate({ seed, nodes: three });
  const seen = cluster.informers.informer(pods);
  const seenNodes = cluster.informers.informer(nodes);
  const nodeOf = (name: string): string => seen.get(`default/${name}`)?.spec?.nodeName ?? "";
  const until = async (what: string, condition: () => boolean): Promise<void> => {
    if (!(await cluster.runUntil(condition, 120_000))) throw new Error(`never: ${what}`);
  };
  await until(
    "the nodes are ready",
    () =>
      seenNodes.list().length === 3 &&
      seenNodes.list().every(({ spec }) => (spec?.taints ?? []).length === 0),
  );
  const create = (pod: Pod): Promise<Pod> => cluster.client.resource(pods).create(pod);
  return { cluster, seen, nodeOf, until, create };
}

const messagesOf = async (cluster: Simulation, reason: string): Promise<readonly string[]> => {
  const { items } = await cluster.client.resource(events).list({ namespace: "default" });
  return items.filter((one) => one.reason === reason).map(({ message }) => message ?? "");
};

describe("a Deployment", () => {
  it("spreads over nodes although nobody asked for it", async () => {
    const { cluster, seen, until } = await open(1);
    await using _cluster = cluster;
    await cluster.client.resource(deployments).create(deployment("web", 6));
    const placed = (): readonly Pod[] => seen.list().filter(({ spec }) => spec?.nodeName);
    await until("six pods have a node", () => placed().length === 6);
    const counts = [...Map.groupBy(placed(), ({ spec }) => spec?.nodeName).values()];
    expect(counts.map(({ length }) => length)).toEqual([2, 2, 2]);
  });
});

describe("preemption", () => {
  const classes = async (cluster: Simulation): Promise<void> => {
    const api = cluster.client.resource(priorityClasses);
    await api.create({ metadata: { name: "high" }, value: 1_000 });
    await api.create({ metadata: { name: "low" }, value: 10 });
  };

  for (const seed of [1, 2, 3]) {
    it(`makes room, keeps it from others, and says so (seed ${seed})`, async () => {
      const { cluster, seen, nodeOf, until, create } = await open(seed);
      await using _cluster = cluster;
      await classes(cluster);
      for (const name of ["old-a", "old-b", "old-c"])
        await create(podOf(name, { priorityClassName: "low" }));
      await until(
        "the nodes are full",
        () => seen.list().filter(({ status }) => status?.phase === "Running").length === 3,
      );
      await create(podOf("vip-1", { priorityClassName: "high" }));
      await create(podOf("later-1", { priorityClassName: "low" }));
      await until("the pod of high priority has a node", () => nodeOf("vip-1") !== "");
      await cluster.clock.advance(60_000);
      const gone = ["old-a", "old-b", "old-c"].filter(
        (name) => seen.get(`default/${name}`) === undefined,
      );
      expect(gone).toHaveLength(1);
      expect(nodeOf("later-1")).toBe("");
      expect(await messagesOf(cluster, "Preempted")).toHaveLength(1);
      const told = await messagesOf(cluster, "FailedScheduling");
      expect(told).toContain(
        "0/3 nodes are available: 3 Insufficient cpu (needs 2, 0 free of 2). preemption: " +
          "found a potential placement for pod on node " +
          `${nodeOf("vip-1")}, preempting 1 victims`,
      );
      expect(told).toContain(
        "0/3 nodes are available: 3 Insufficient cpu (needs 2, 0 free of 2). preemption: " +
          "0/3 nodes are available: 3 No preemption victims found for incoming pod.",
      );
    });
  }

  it("survives that the scheduler is killed between the promise and the binding", async () => {
    const { cluster, seen, nodeOf, until, create } = await open(5);
    await using _cluster = cluster;
    await classes(cluster);
    for (const name of ["old-a", "old-b", "old-c"])
      await create(podOf(name, { priorityClassName: "low" }));
    await until(
      "the nodes are full",
      () => seen.list().filter(({ status }) => status?.phase === "Running").length === 3,
    );
    await create(podOf("vip-1", { priorityClassName: "high" }));
    const promised = (): string => seen.get("default/vip-1")?.status?.nominatedNodeName ?? "";
    await until("a place is promised", () => promised() !== "");
    cluster.crashControlPlane();
    await until("the pod has its node", () => nodeOf("vip-1") !== "");
    expect(promised()).toBe("");
    await cluster.clock.advance(30_000);
    expect(seen.list()).toHaveLength(3);
  });
});

it("a pod wakes when a namespace that its affinity asks for gets its label", async () => {
  const { cluster, seen, nodeOf, until, create } = await open(7);
  await using _cluster = cluster;
  const spaces = cluster.client.resource(namespaces);
  await spaces.create({ metadata: { name: "other" } });
  await cluster.clock.advance(1_000);
  const db = podOf("db-1", {}, "1");
  await cluster.client
    .resource(pods)
    .create({ ...db, metadata: { ...db.metadata, namespace: "other" } });
  await until("db runs", () => seen.get("other/db-1")?.spec?.nodeName !== undefined);
  const near = {
    labelSelector: { matchLabels: { app: "db" } },
    topologyKey: "kubernetes.io/hostname",
    namespaceSelector: { matchLabels: { team: "x" } },
  };
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] } };
  await create(podOf("web-1", { affinity }, "100m"));
  await cluster.clock.advance(20_000);
  expect(nodeOf("web-1")).toBe("");
  const body = { metadata: { labels: { team: "x" } } };
  await spaces.patch({ name: "other" }, { type: "merge", body });
  await until("web is beside db", () => nodeOf("web-1") !== "");
  expect(nodeOf("web-1")).toBe(seen.get("other/db-1")?.spec?.nodeName);
});
