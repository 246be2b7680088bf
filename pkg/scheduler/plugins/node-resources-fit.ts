import type { NodeState } from "../node-state.ts";
import { scoredCpu, scoredMemory } from "../node-state.ts";
import { fits, type Plugin, type Verdict } from "../framework.ts";

const insufficient = (resource: string, needed: string, free: string, total: string): Verdict => ({
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

/** Keeps a pod off nodes with too little left; prefers those with most left (LeastAllocated). */
export const nodeResourcesFit: Plugin = {
  name: "NodeResourcesFit",
  wokenBy: (event) => event.type !== "node-changed" || capacityChanged(event),
  filter: ({ demand }, node) => {
    if (node.pods.size + 1 > node.podCount) {
      return insufficientPods(node.podCount);
    }
    const cpu = node.cpuMilli - node.usedCpuMilli;
    if (demand.cpuMilli > 0 && demand.cpuMilli > cpu) {
      return insufficient("cpu", cpuText(demand.cpuMilli), cpuText(cpu), cpuText(node.cpuMilli));
    }
    const memory = node.memoryBytes - node.usedMemoryBytes;
    if (demand.memoryBytes > 0 && demand.memoryBytes > memory) {
      return insufficient(
        "memory",
        bytesText(demand.memoryBytes),
        bytesText(memory),
        bytesText(node.memoryBytes),
      );
    }
    const ephemeral = node.ephemeralBytes - node.usedEphemeralBytes;
    if (demand.ephemeralBytes > 0 && demand.ephemeralBytes > ephemeral) {
      const total = bytesText(node.ephemeralBytes);
      return insufficient(
        "ephemeral-storage",
        bytesText(demand.ephemeralBytes),
        bytesText(ephemeral),
        total,
      );
    }
    return demand.others.size === 0 ? fits : (lacksOther(demand.others, node) ?? fits);
  },
  score: ({ demand }, node) => {
    const cpu = leftover(node.cpuMilli, node.scoredCpuMilli + scoredCpu(demand));
    const memory = leftover(node.memoryBytes, node.scoredMemoryBytes + scoredMemory(demand));
    return (cpu + memory) / 2;
  },
};

const insufficientPods = (count: number): Verdict => ({
  fits: false,
  because: "Too many pods",
  detail: `${count} of ${count}`,
  preemptionHelps: true,
});

const leftover = (total: number, used: number): number =>
  used >= total ? 0 : ((total - used) * 100) / total;

function capacityChanged(event: {
  readonly node: NodeState["node"];
  readonly before: NodeState["node"];
}): boolean {
  const before = event.before.status?.allocatable ?? {};
  return Object.entries(event.node.status?.allocatable ?? {}).some(
    ([name, quantity]) => before[name] !== quantity,
  );
}
