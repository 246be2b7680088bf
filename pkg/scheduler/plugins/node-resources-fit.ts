import { always } from "../cluster-event.ts";
import { leastAllocated, type FitStrategy } from "../fit-strategies.ts";
import { fits, type Plugin, type Refusal, type Verdict } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import type { NodeState } from "../node-state.ts";
import { demandText } from "../scored-resources.ts";

const insufficient = (resource: string, needed: string, free: string, total: string): Refusal => ({
  fits: false,
  because: `Insufficient ${resource}`,
  detail: `needs ${needed}, ${free} free of ${total}`,
  preemptionHelps: true,
});

const mebi = 1024 * 1024;
/** Memory for people: Mi below ten Gi, with at most one decimal. */
const bytesText = (bytes: number): string =>
  bytes < 10 * 1024 * mebi
    ? `${Math.round(bytes / mebi)}Mi`
    : `${Math.round((bytes / mebi / 1024) * 10) / 10}Gi`;
const cpuText = (milli: number): string => (milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`);

function lacksOther(others: ReadonlyMap<string, number>, node: NodeState): Verdict | undefined {
  for (const [name, wanted] of others) {
    const total = node.others.get(name) ?? 0;
    const free = total - (node.usedOthers.get(name) ?? 0);
    if (wanted > free) return insufficient(name, `${wanted}`, `${free}`, `${total}`);
  }
  return undefined;
}

function filter({ demand }: QueuedPod, node: NodeState): Verdict {
  if (node.pods.size + 1 > node.podCount) return insufficientPods(node);
  const cpu = node.cpuMilli - node.usedCpuMilli;
  if (demand.cpuMilli > 0 && demand.cpuMilli > cpu) {
    return insufficient("cpu", cpuText(demand.cpuMilli), cpuText(cpu), cpuText(node.cpuMilli));
  }
  const memory = node.memoryBytes - node.usedMemoryBytes;
  if (demand.memoryBytes > 0 && demand.memoryBytes > memory) {
    return lacksBytes("memory", demand.memoryBytes, memory, node.memoryBytes);
  }
  const ephemeral = node.ephemeralBytes - node.usedEphemeralBytes;
  if (demand.ephemeralBytes > 0 && demand.ephemeralBytes > ephemeral) {
    return lacksBytes("ephemeral-storage", demand.ephemeralBytes, ephemeral, node.ephemeralBytes);
  }
  return demand.others.size === 0 ? fits : (lacksOther(demand.others, node) ?? fits);
}

const lacksBytes = (name: string, wanted: number, free: number, total: number): Refusal =>
  insufficient(name, bytesText(wanted), bytesText(free), bytesText(total));

/** Keeps pods off nodes with too little left; among the others, prefers as the strategy says. */
export const nodeResourcesFitWith = (strategy: FitStrategy = leastAllocated()): Plugin => ({
  name: "NodeResourcesFit",
  reads: demandText,
  wokenBy: {
    "node-added": always,
    "node-changed": capacityChanged,
    "pod-deleted": always,
    "pod-changed": ({ pod, before }) => pod.metadata?.generation !== before.metadata?.generation,
  },
  filter,
  score: strategy,
});

export const nodeResourcesFit = nodeResourcesFitWith();

const insufficientPods = ({ podCount, pods }: NodeState): Refusal => ({
  fits: false,
  because: "Too many pods",
  detail: `${pods.size} of ${podCount}`,
  preemptionHelps: true,
});

function capacityChanged(event: {
  readonly node: NodeState["node"];
  readonly before: NodeState["node"];
}): boolean {
  const before = event.before.status?.allocatable ?? {};
  return Object.entries(event.node.status?.allocatable ?? {}).some(
    ([name, quantity]) => before[name] !== quantity,
  );
}
