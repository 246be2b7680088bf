/** Nodes and pods in few words, and where the default plugins would put one. */
import type { Node, Pod, PodAffinityTerm, PodSpec, Taint } from "../../../api/core/v1.ts";
import type { Requirement } from "../../machinery/label-selector.ts";
import { ClusterCache } from "../cluster-cache.ts";
import { schedule, tryWithout, type CycleResult } from "../cycle.ts";
import { defaultPlugins } from "../default-plugins.ts";
import { queuedPod } from "../queued-pod.ts";
import type { Plugin, PostFilterResult } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import { Nominations } from "../nominations.ts";
import { Profile } from "../profile.ts";
import { describeRefusals } from "../refusals.ts";

export type Labels = Readonly<Record<string, string>>;

export const zone = "topology.kubernetes.io/zone";
export const hostname = "kubernetes.io/hostname";

/** With its hostname label, and room for 110 pods of a tenth of a CPU. */
export const node = (
  name: string,
  labels: Labels = {},
  { taints = [], cpu = "11" }: { readonly taints?: readonly Taint[]; readonly cpu?: string } = {},
): Node => ({
  metadata: { name, labels: { [hostname]: name, ...labels } },
  spec: taints.length === 0 ? {} : { taints },
  status: { allocatable: { cpu, memory: "64Gi", pods: "110" } },
});

/** node1 and node2 in zoneA, node3 and node4 in zoneB: the cluster of Kubernetes' documentation. */
export const fourNodes = ["node1", "node2", "node3", "node4"].map((name, index) =>
  node(name, { [zone]: index < 2 ? "zoneA" : "zoneB" }),
);

let uids = 0;
export const pod = (
  labels: Labels = {},
  spec: Partial<PodSpec> = {},
  { namespace = "default", cpu = "100m" }: { namespace?: string; cpu?: string } = {},
): Pod => {
  const uid = `uid-${uids++}`;
  return {
    metadata: { name: uid, namespace, uid, labels, generation: 1 },
    spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...spec },
  };
};

export const on = (name: string, one: Pod): Pod =>
  ({ ...one, spec: { ...one.spec, nodeName: name } }) as Pod;

export const term = (
  labels: Labels,
  topologyKey: string,
  more: Partial<PodAffinityTerm> = {},
): PodAffinityTerm => ({ labelSelector: { matchLabels: labels }, topologyKey, ...more });

export interface SmallCluster {
  readonly nodes: readonly Node[];
  /** Each has its node. */
  readonly running?: readonly Pod[];
  readonly namespaces?: Readonly<Record<string, Labels>>;
  readonly plugins?: readonly Plugin[];
  readonly defaultSelector?: readonly Requirement[];
}

export function cacheOf({
  nodes,
  running = [],
  namespaces = {},
  defaultSelector = [],
}: SmallCluster): ClusterCache {
  const cache = new ClusterCache(() => defaultSelector);
  for (const [name, labels] of Object.entries(namespaces)) cache.setNamespace(name, labels);
  for (const one of nodes) cache.setNode(one);
  for (const one of running) cache.setPod(one);
  return cache;
}

export const decide = (
  cluster: SmallCluster,
  wanted: Pod,
  cache = cacheOf(cluster),
  nominations = new Nominations(),
): CycleResult => {
  const profile = new Profile(cluster.plugins ?? defaultPlugins);
  const queued = queuedPod(wanted, 0);
  return schedule(profile, queued, { cache, nominations, start: 0, tieBreak: 0 });
};

/** The node's name, or the sentence that says why there is none. */
export function place(cluster: SmallCluster, wanted: Pod): string {
  const result = decide(cluster, wanted);
  return result.fits ? result.node.name : describeRefusals(result.refusals);
}

/** Names of all nodes that the pod fits, each judged as if it were the only one. */
export function fitting(cluster: SmallCluster, wanted: Pod): readonly string[] {
  const cache = cacheOf(cluster);
  const profile = new Profile(cluster.plugins ?? defaultPlugins);
  const ask = tryWithout(profile, queuedPod(wanted, 0), { cache });
  return cache.nodes
    .filter((one) => ask(one, (trial) => trial.fits().fits))
    .map(({ name }) => name)
    .toSorted();
}

/** What preemption says of a pod that fits nowhere. */
export function preempt(
  cluster: SmallCluster,
  wanted: Pod,
  budgets: Parameters<NonNullable<Plugin["postFilter"]>>[1]["budgets"] = () => [],
  nominations = new Nominations(),
): PostFilterResult & { readonly queued: QueuedPod } {
  const cache = cacheOf(cluster);
  const profile = new Profile(cluster.plugins ?? defaultPlugins);
  const queued = queuedPod(wanted, 0);
  const result = schedule(profile, queued, { cache, nominations, start: 0, tieBreak: 0 });
  if (result.fits) throw new Error(`the pod fits ${result.node.name}`);
  const context = {
    snapshot: cache,
    helped: result.refusals.helped,
    tryWithout: tryWithout(profile, queued, { cache, nominations }),
    budgets,
    chance: 0,
  };
  const [plugin] = profile.postFilters;
  if (plugin === undefined) throw new Error("no plugin preempts");
  return { ...plugin.postFilter(queued, context), queued };
}
