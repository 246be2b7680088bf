/** Sizes of ReplicaSets: during a rollout, and when a Deployment is scaled. Pure. */
import type { Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import { desiredReplicas, maxReplicas, sizeAnnotations } from "./annotations.ts";
import { fenceposts, isRolling, wantedReplicas } from "./limits.ts";

type Sets = readonly ReplicaSet[];

export const sizeOf = (replicaSet: ReplicaSet): number => replicaSet.spec.replicas ?? 1;
export const isActive = (replicaSet: ReplicaSet): boolean => sizeOf(replicaSet) > 0;
const available = (replicaSet: ReplicaSet): number => replicaSet.status?.availableReplicas ?? 0;

export const sum = (sets: Sets, of: (replicaSet: ReplicaSet) => number): number =>
  sets.reduce((total, replicaSet) => total + of(replicaSet), 0);

/** Oldest first; names decide between equals. */
export const byAge = (one: ReplicaSet, other: ReplicaSet): number => {
  const [a, b] = [one.metadata?.creationTimestamp ?? "~", other.metadata?.creationTimestamp ?? "~"];
  if (a !== b) return a < b ? -1 : 1;
  return (one.metadata?.name ?? "") < (other.metadata?.name ?? "") ? -1 : 1;
};

/** The ReplicaSet at another size, and with the size of the Deployment written on it. */
export const scaled = (
  replicaSet: ReplicaSet,
  replicas: number,
  deployment: Deployment,
): ReplicaSet => ({
  ...replicaSet,
  metadata: {
    ...replicaSet.metadata,
    annotations: { ...replicaSet.metadata?.annotations, ...sizeAnnotations(deployment) },
  },
  spec: { ...replicaSet.spec, replicas },
});

/** Scaled when that changes the size or what it was sized for; else the very same. */
const resized = (replicaSet: ReplicaSet, replicas: number, deployment: Deployment): ReplicaSet =>
  sizeOf(replicaSet) === replicas &&
  (replicas === 0 || desiredReplicas(replicaSet) === wantedReplicas(deployment))
    ? replicaSet
    : scaled(replicaSet, replicas, deployment);

/** How large the newest ReplicaSet may be now; `all` are the sizes that count against the surge. */
export function newestSize(deployment: Deployment, all: Sets, current: number): number {
  const wanted = wantedReplicas(deployment);
  if (!isRolling(deployment) || current > wanted) return wanted;
  const room = wanted + fenceposts(deployment).maxSurge - sum(all, sizeOf);
  return room <= 0 ? current : current + Math.min(room, wanted - current);
}

/**
 * The old ReplicaSets, scaled down as far as availability allows: first their pods that are not
 * available anyway, then others for which new ones are already available.
 */
export function shrinkOld(deployment: Deployment, newest: ReplicaSet, old: Sets): Sets {
  const least = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const notYet = sizeOf(newest) - available(newest);
  const allowed = sum(old, sizeOf) + sizeOf(newest) - least - notYet;
  if (allowed <= 0 || sum(old, sizeOf) === 0) return old;
  const oldest = old.toSorted(byAge);
  const cleaned = takeAway(oldest, allowed, deployment, (set) => sizeOf(set) - available(set));
  const surplus = sum(cleaned, available) + available(newest) - least;
  return takeAway(cleaned, Math.max(0, surplus), deployment, sizeOf);
}

/** Takes up to `total` replicas away, of each at most what `removable` says, oldest first. */
function takeAway(
  sets: Sets,
  total: number,
  deployment: Deployment,
  removable: (replicaSet: ReplicaSet) => number,
): Sets {
  let left = total;
  return sets.map((set) => {
    const count = Math.min(left, Math.max(0, removable(set)), sizeOf(set));
    left -= count;
    return count === 0 ? set : scaled(set, sizeOf(set) - count, deployment);
  });
}

/** True when some active ReplicaSet was sized for another size of the Deployment. */
export const isScaling = (deployment: Deployment, all: Sets): boolean =>
  all.some((set) => {
    const sizedFor = isActive(set) ? desiredReplicas(set) : undefined;
    return sizedFor !== undefined && sizedFor !== wantedReplicas(deployment);
  });

/** All of them, as a changed size of the Deployment wants them: in proportion, to spread risk. */
export function scaleAll(deployment: Deployment, newest: ReplicaSet | undefined, old: Sets): Sets {
  const all = [...(newest === undefined ? [] : [newest]), ...old];
  const wanted = wantedReplicas(deployment);
  const active = all.filter(isActive);
  const only = active.length === 0 ? (newest ?? old.toSorted(byAge).at(-1)) : active[0];
  if (active.length <= 1)
    return all.map((set) => (set === only ? resized(set, wanted, deployment) : set));
  if (newest !== undefined && isSaturated(deployment, newest))
    return all.map((set) => (set === newest ? set : resized(set, 0, deployment)));
  if (!isRolling(deployment)) return all.map((set) => resized(set, sizeOf(set), deployment));
  const sizes = proportions(deployment, active);
  return all.map((set) => {
    const size = sizes.get(set);
    return size === undefined ? set : scaled(set, size, deployment);
  });
}

const isSaturated = (deployment: Deployment, newest: ReplicaSet): boolean => {
  const wanted = wantedReplicas(deployment);
  return (
    sizeOf(newest) === wanted && desiredReplicas(newest) === wanted && available(newest) === wanted
  );
};

/**
 * Each one's share of what is to be added or taken away, the largest first; what rounding leaves
 * goes to the largest. Among equals newer ones grow first, older ones shrink first.
 */
function proportions(deployment: Deployment, active: Sets): ReadonlyMap<ReplicaSet, number> {
  const wanted = wantedReplicas(deployment);
  const most = wanted > 0 ? wanted + fenceposts(deployment).maxSurge : 0;
  const toAdd = most - sum(active, sizeOf);
  const direction = toAdd > 0 ? -1 : 1;
  const ordered = active.toSorted(
    (one, other) => sizeOf(other) - sizeOf(one) || direction * byAge(one, other),
  );
  let left = toAdd;
  const sizes = new Map<ReplicaSet, number>();
  for (const set of ordered) {
    const share = left === 0 ? 0 : fraction(deployment, set);
    const change = toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    sizes.set(set, sizeOf(set) + change);
    left -= change;
  }
  const [largest] = ordered;
  if (largest !== undefined) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + left));
  return sizes;
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const wanted = wantedReplicas(deployment);
  if (wanted === 0) return -sizeOf(set);
  const before = maxReplicas(set) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const size = (sizeOf(set) * (wanted + fenceposts(deployment).maxSurge)) / before;
  return Math.round(size) - sizeOf(set);
}
