/** What nodes have and pods take, resource by resource, as scores weigh it. */
import type { QueuedPod } from "./queued-pod.ts";
import { scoredCpu, scoredMemory, type NodeState } from "./node-state.ts";

export interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

export const cpuAndMemory: readonly WeightedResource[] = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

/** Thousandths of a CPU, bytes, or whole units. */
export function capacityOf(node: NodeState, resource: string): number {
  if (resource === "cpu") return node.cpuMilli;
  if (resource === "memory") return node.memoryBytes;
  if (resource === "ephemeral-storage") return node.ephemeralBytes;
  return node.others.get(resource) ?? 0;
}

/** Resources beside CPU, memory and storage concern only the pods that ask for them. */
export const capacityFor = (pod: QueuedPod, node: NodeState, resource: string): number =>
  natives.has(resource) || demandOf(pod, resource) > 0 ? capacityOf(node, resource) : 0;
const natives = new Set(["cpu", "memory", "ephemeral-storage"]);

/** With a share for pods that ask for nothing, so that such pods spread. */
export function scoredUseOf(node: NodeState, resource: string): number {
  if (resource === "cpu") return node.scoredCpuMilli;
  if (resource === "memory") return node.scoredMemoryBytes;
  return usedOf(node, resource);
}

export function scoredDemandOf({ demand }: QueuedPod, resource: string): number {
  if (resource === "cpu") return scoredCpu(demand);
  if (resource === "memory") return scoredMemory(demand);
  return demandOf({ demand }, resource);
}

/** As requested. */
export function usedOf(node: NodeState, resource: string): number {
  if (resource === "cpu") return node.usedCpuMilli;
  if (resource === "memory") return node.usedMemoryBytes;
  if (resource === "ephemeral-storage") return node.usedEphemeralBytes;
  return node.usedOthers.get(resource) ?? 0;
}

export function demandOf({ demand }: Pick<QueuedPod, "demand">, resource: string): number {
  if (resource === "cpu") return demand.cpuMilli;
  if (resource === "memory") return demand.memoryBytes;
  if (resource === "ephemeral-storage") return demand.ephemeralBytes;
  return demand.others.get(resource) ?? 0;
}

/** All that scores and filters of resources read of a pod. */
export const demandText = ({ demand }: QueuedPod): string => {
  const { cpuMilli, memoryBytes, ephemeralBytes, others } = demand;
  const more = others.size === 0 ? "" : JSON.stringify([...others]);
  return `${cpuMilli} ${memoryBytes} ${ephemeralBytes} ${more}`;
};
