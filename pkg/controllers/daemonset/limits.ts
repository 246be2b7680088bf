import type { DaemonSet } from "../../../api/apps/v1.ts";
import { scaledValue } from "../count-or-share.ts";

/** Pods created or deleted in one go, as upstream: more would starve the other DaemonSets. */
export const burstPods = 250;

export interface Fenceposts {
  /** Nodes that may have two pods during an update. */
  readonly maxSurge: number;
  /** Nodes that may be without an available pod during an update. */
  readonly maxUnavailable: number;
}

export const isRolling = ({ spec }: DaemonSet): boolean =>
  (spec.updateStrategy?.type ?? "RollingUpdate") === "RollingUpdate";

/** `wanted`: nodes that should have a pod. Shares are rounded up; one of them must allow one. */
export function fenceposts(daemonSet: DaemonSet, wanted: number): Fenceposts {
  if (!isRolling(daemonSet)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = 0, maxUnavailable = 1 } = daemonSet.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, wanted, Math.ceil);
  const missing = scaledValue(maxUnavailable, wanted, Math.ceil);
  return { maxSurge: surge, maxUnavailable: surge === 0 && missing === 0 ? 1 : missing };
}

/** While old and new pods may share a node, a second one is no mistake. */
export const allowsSurge = (daemonSet: DaemonSet): boolean => fenceposts(daemonSet, 1).maxSurge > 0;
