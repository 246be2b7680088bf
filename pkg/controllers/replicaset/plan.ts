/**
 * What a ReplicaSet wants changed: how many pods are missing, which of too many go. Pure. It looks
 * only at pods; who scales the ReplicaSet is the Deployment's business.
 */
import type { ReplicaSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { inDeletionOrder } from "./deletion-order.ts";

export type Change =
  | { readonly do: "create"; readonly count: number }
  | { readonly do: "delete"; readonly pod: Pod };

/** Pods changed in one go, as upstream: more would starve the other ReplicaSets. */
export const burstPods = 500;

/**
 * `pods`: those that count and are active. `related`: active pods of ReplicaSets of the same
 * owner, whose crowding on nodes decides between otherwise equal pods.
 */
export function planReplicas(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): readonly Change[] {
  if (replicaSet.metadata?.deletionTimestamp !== undefined) return [];
  const missing = (replicaSet.spec.replicas ?? 1) - pods.length;
  if (missing > 0) return [{ do: "create", count: Math.min(missing, burstPods) }];
  if (missing === 0) return [];
  return inDeletionOrder(pods, related, nowMs)
    .slice(0, Math.min(-missing, burstPods))
    .map((pod) => ({ do: "delete", pod }));
}
