/** How full a node should be: upstream's three scoring strategies of NodeResourcesFit. Pure. */
import type { QueuedPod } from "./queued-pod.ts";
import type { NodeState } from "./node-state.ts";
import {
  capacityFor,
  cpuAndMemory,
  scoredDemandOf,
  scoredUseOf,
  type WeightedResource,
} from "./scored-resources.ts";

/** 0 to 100 for a node with the pod on it. */
export type FitStrategy = (pod: QueuedPod, node: NodeState) => number;

/** The weighted mean of what each resource scores by its use and its capacity. */
const meanOf =
  (
    resources: readonly WeightedResource[],
    score: (used: number, capacity: number) => number,
    { leavesOutZeros, divide }: { leavesOutZeros: boolean; divide: (value: number) => number },
  ): FitStrategy =>
  (pod, node) => {
    let sum = 0;
    let weights = 0;
    for (const { name, weight } of resources) {
      const capacity = capacityFor(pod, node, name);
      if (capacity === 0) continue;
      const one = score(scoredUseOf(node, name) + scoredDemandOf(pod, name), capacity);
      if (one === 0 && leavesOutZeros) continue;
      sum += one * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : divide(sum / weights);
  };

/** The emptiest node: the default. */
export const leastAllocated = (
  resources: readonly WeightedResource[] = cpuAndMemory,
): FitStrategy =>
  meanOf(
    resources,
    (used, capacity) => (used > capacity ? 0 : Math.floor(((capacity - used) * 100) / capacity)),
    { leavesOutZeros: false, divide: Math.floor },
  );

/** The fullest node, to keep others free. */
export const mostAllocated = (resources: readonly WeightedResource[] = cpuAndMemory): FitStrategy =>
  meanOf(resources, (used, capacity) => Math.floor((Math.min(used, capacity) * 100) / capacity), {
    leavesOutZeros: false,
    divide: Math.floor,
  });

export interface ShapePoint {
  /** Percent of the capacity, 0 to 100; points ascend in it. */
  readonly utilization: number;
  /** 0 to 10. */
  readonly score: number;
}

/** A piecewise linear function of the use. Resources that score nothing do not count. */
export const requestedToCapacityRatio = (
  shape: readonly ShapePoint[],
  resources: readonly WeightedResource[] = cpuAndMemory,
): FitStrategy =>
  meanOf(
    resources,
    (used, capacity) => between(shape, used > capacity ? 100 : Math.floor((used * 100) / capacity)),
    { leavesOutZeros: true, divide: Math.round },
  );

/** Scores of 0 to 10 are tenths of a score. */
const scale = 10;

function between(shape: readonly ShapePoint[], utilization: number): number {
  for (const [index, point] of shape.entries()) {
    if (utilization > point.utilization) continue;
    const before = shape[index - 1];
    if (before === undefined) return point.score * scale;
    const share = (utilization - before.utilization) / (point.utilization - before.utilization);
    return Math.trunc((before.score + (point.score - before.score) * share) * scale);
  }
  return (shape.at(-1)?.score ?? 0) * scale;
}
