/** What controllers ask of pods, as predicates; pure. */
import type { Node, Pod, PodCondition } from "../../api/core/v1.ts";
import { pods as podsRef } from "../../api/resources.ts";
import { keyOf } from "../client/informer-store.ts";
import type { Lookup } from "../controller/controller.ts";

export const podCondition = (pod: Pod, type: string): PodCondition | undefined =>
  pod.status?.conditions?.find((condition) => condition.type === type);

export const isPodReady = (pod: Pod): boolean => podCondition(pod, "Ready")?.status === "True";

/** Succeeded or Failed: its containers will never run again. */
export const isPodTerminal = (pod: Pod): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/** Runs or may yet run, and nobody has asked for its end. */
export const isPodActive = (pod: Pod): boolean =>
  !isPodTerminal(pod) && pod.metadata?.deletionTimestamp === undefined;

/** Asked to end, and not ended. */
export const isPodTerminating = (pod: Pod): boolean =>
  !isPodTerminal(pod) && pod.metadata?.deletionTimestamp !== undefined;

/** Milliseconds since the epoch at which the pod became ready; undefined when it is not. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = podCondition(pod, "Ready");
  return ready?.status === "True" && ready.lastTransitionTime !== undefined
    ? Date.parse(ready.lastTransitionTime)
    : undefined;
}

/** Milliseconds until the pod has been ready for so long: 0 when it has, undefined: not ready. */
export function availableInMs(
  pod: Pod,
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds === 0) return 0;
  const since = readySinceMs(pod);
  return since === undefined ? undefined : Math.max(0, since + minReadySeconds * 1_000 - nowMs);
}

/** Most restarts of one of the pod's containers. */
export const mostRestarts = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));

/** Index of pods by the node that they are bound to. */
export const podsByNodeIndex = "node";
export const nodeNameOf = ({ spec }: Pod): readonly string[] =>
  (spec?.nodeName ?? "") === "" ? [] : [spec?.nodeName ?? ""];

/** Keys of the pods that are bound to a node; the informer of pods has `podsByNodeIndex`. */
export const podKeysOnNode = ({ metadata }: Node, lookup: Lookup): readonly string[] =>
  lookup
    .informer(podsRef)
    .byIndex(podsByNodeIndex, metadata?.name ?? "")
    .map(keyOf);

/** The condition as it is to be; its time of transition moves when its status does. */
export function nextPodCondition(
  pod: Pod,
  condition: Omit<PodCondition, "lastTransitionTime">,
  now: string,
): PodCondition {
  const before = podCondition(pod, condition.type);
  const lastTransitionTime =
    before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  return { ...before, ...condition, lastTransitionTime };
}
