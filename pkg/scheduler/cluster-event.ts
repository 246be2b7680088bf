import type { Node, Pod } from "../../api/core/v1.ts";
import type { QueuedPod } from "./queued-pod.ts";

/** What happened in the cluster that may let a waiting pod fit. Pods are pods on nodes. */
export type ClusterEvent =
  | { readonly type: "node-added"; readonly node: Node }
  | { readonly type: "node-changed"; readonly node: Node; readonly before: Node }
  | { readonly type: "node-deleted"; readonly node: Node }
  | { readonly type: "pod-added"; readonly pod: Pod }
  | { readonly type: "pod-changed"; readonly pod: Pod; readonly before: Pod }
  | { readonly type: "pod-deleted"; readonly pod: Pod }
  | { readonly type: "namespace-changed"; readonly name: string };

type OfType<T extends ClusterEvent["type"]> = Extract<ClusterEvent, { readonly type: T }>;

/** By type of event: whether this one may help this pod. A type that is missing never does. */
export type WakingHints = {
  readonly [T in ClusterEvent["type"]]?: (event: OfType<T>, pod: QueuedPod) => boolean;
};

export const always = (): boolean => true;

export function mayHelp(
  hints: WakingHints | undefined,
  event: ClusterEvent,
  pod: QueuedPod,
): boolean {
  if (hints === undefined) return true;
  // The record's type ties each hint to its own type of event; an index by a union loses that.
  const hint = hints[event.type] as ((event: ClusterEvent, pod: QueuedPod) => boolean) | undefined;
  return hint?.(event, pod) ?? false;
}

/** Whether two plain maps of labels, or lists of taints, differ; by content. */
export const differs = (a: unknown, b: unknown): boolean =>
  a !== b && JSON.stringify(a ?? null) !== JSON.stringify(b ?? null);
