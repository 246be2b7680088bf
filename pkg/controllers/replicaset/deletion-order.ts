import type { Pod } from "../../../api/core/v1.ts";
import { isPodReady, mostRestarts, readySinceMs } from "../pod-facts.ts";

const phaseOrder: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

const deletionCost = (pod: Pod): number => {
  const cost = Number(pod.metadata?.annotations?.["controller.kubernetes.io/pod-deletion-cost"]);
  return Number.isInteger(cost) ? cost : 0;
};

/**
 * First those that cost least to give up, by upstream's rules one after another: not assigned, in
 * an early phase, not ready, cheap by annotation, crowded on its node, ready only lately, often
 * restarted, young.
 */
export function inDeletionOrder(
  pods: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): readonly Pod[] {
  const crowd = new Map<string, number>();
  for (const { spec } of related)
    if (spec?.nodeName !== undefined) crowd.set(spec.nodeName, (crowd.get(spec.nodeName) ?? 0) + 1);
  const crowdOf = (pod: Pod): number => crowd.get(pod.spec?.nodeName ?? "") ?? 0;
  const criteria: readonly ((pod: Pod) => number)[] = [
    (pod) => ((pod.spec?.nodeName ?? "") === "" ? 0 : 1),
    (pod) => phaseOrder[pod.status?.phase ?? "Pending"] ?? 0,
    (pod) => (isPodReady(pod) ? 1 : 0),
    deletionCost,
    (pod) => -crowdOf(pod),
    (pod) => age(readySinceMs(pod), nowMs),
    (pod) => -mostRestarts(pod),
    (pod) => age(createdMs(pod), nowMs),
  ];
  return pods.toSorted((one, other) => {
    for (const criterion of criteria) {
      const difference = criterion(one) - criterion(other);
      if (difference !== 0) return difference;
    }
    return (one.metadata?.uid ?? "") < (other.metadata?.uid ?? "") ? -1 : 1;
  });
}

const createdMs = (pod: Pod): number | undefined =>
  pod.metadata?.creationTimestamp === undefined
    ? undefined
    : Date.parse(pod.metadata.creationTimestamp);

/**
 * Ages compare by their magnitude, so that among pods of about the same age the victims are spread
 * by chance (their uid) instead of always the youngest.
 */
function age(sinceMs: number | undefined, nowMs: number): number {
  if (sinceMs === undefined || nowMs <= sinceMs) return -1;
  return Math.floor(Math.log2((nowMs - sinceMs) * 1_000_000));
}
