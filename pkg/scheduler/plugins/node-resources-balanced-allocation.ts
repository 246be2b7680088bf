import type { Plugin } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import type { NodeState } from "../node-state.ts";
import {
  capacityFor,
  cpuAndMemory,
  demandOf,
  demandText,
  usedOf,
  type WeightedResource,
} from "../scored-resources.ts";

/** Half the range for how alike the shares of use are: 100 when all are the same. */
function balanceOf(shares: readonly number[]): number {
  if (shares.length < 2) return 100;
  const mean = shares.reduce((sum, one) => sum + one, 0) / shares.length;
  const variance = shares.reduce((sum, one) => sum + (one - mean) ** 2, 0) / shares.length;
  return Math.floor((1 - Math.sqrt(variance)) * 100);
}

/**
 * Prefers nodes whose resources the pod brings into balance: about 75 where it changes nothing,
 * more where it evens them, less where it does not (upstream's rule).
 */
export const balancedAllocationWith = (
  resources: readonly WeightedResource[] = cpuAndMemory,
): Plugin => ({
  name: "NodeResourcesBalancedAllocation",
  reads: demandText,
  score: (pod, node) => {
    // A pod that asks for nothing balances nothing: all nodes alike, or one would get them all.
    if (resources.every(({ name }) => demandOf(pod, name) === 0)) return 0;
    const after = balanceOf(sharesOf(resources, pod, node, 1));
    const before = balanceOf(sharesOf(resources, pod, node, 0));
    return 50 + Math.trunc((50 + after - before) / 2);
  },
});

function sharesOf(
  resources: readonly WeightedResource[],
  pod: QueuedPod,
  node: NodeState,
  times: 0 | 1,
): readonly number[] {
  const shares: number[] = [];
  for (const { name } of resources) {
    const capacity = capacityFor(pod, node, name);
    if (capacity === 0) continue;
    shares.push(Math.min(1, (usedOf(node, name) + times * demandOf(pod, name)) / capacity));
  }
  return shares;
}

export const nodeResourcesBalancedAllocation = balancedAllocationWith();
