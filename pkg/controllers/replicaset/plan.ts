/**
 * What a ReplicaSet wants changed: which pods are its own, how many are missing, which of too many
 * go. Pure. It looks only at pods; who scales the ReplicaSet is the Deployment's business.
 */
import type { ReplicaSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { isControlledBy } from "../../controller/owner.ts";
import { selects } from "../label-selector.ts";
import { isPodActive } from "../pod-facts.ts";
import { inDeletionOrder } from "./deletion-order.ts";

export type Claim =
  /** Nobody's, and selected: it becomes the ReplicaSet's. */
  | { readonly do: "adopt"; readonly pod: Pod }
  /** The ReplicaSet's, and no longer selected: it becomes nobody's. */
  | { readonly do: "release"; readonly pod: Pod };

export interface Claims {
  readonly changes: readonly Claim[];
  /** The pods that count, those that are to be adopted included. */
  readonly pods: readonly Pod[];
}

/** `candidates`: the active pods that it owns, and those of its namespace that nobody owns. */
export function planClaims(replicaSet: ReplicaSet, candidates: readonly Pod[]): Claims {
  const changes: Claim[] = [];
  const pods: Pod[] = [];
  const isEnding = replicaSet.metadata?.deletionTimestamp !== undefined;
  for (const pod of candidates) {
    const isSelected = selects(replicaSet.spec.selector, pod.metadata?.labels);
    const isOwn = isControlledBy(pod, replicaSet);
    if (isOwn && isSelected) pods.push(pod);
    else if (isOwn && !isEnding) changes.push({ do: "release", pod });
    else if (!isOwn && isSelected && !isEnding && isPodActive(pod)) {
      changes.push({ do: "adopt", pod });
      pods.push(pod);
    }
  }
  return { changes, pods };
}

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
