import type { Deployment } from "../../../api/apps/v1.ts";
import { scaledValue } from "../count-or-share.ts";

/** What stands for "never" and "all" in fields that count: the largest int32. */
const noLimit = 2_147_483_647;

export const wantedReplicas = (deployment: Deployment): number => deployment.spec.replicas ?? 1;

export const isRolling = ({ spec }: Deployment): boolean =>
  (spec.strategy?.type ?? "RollingUpdate") === "RollingUpdate";

export const progressDeadlineMs = ({ spec }: Deployment): number | undefined =>
  spec.progressDeadlineSeconds === undefined || spec.progressDeadlineSeconds === noLimit
    ? undefined
    : spec.progressDeadlineSeconds * 1_000;

export const historyLimit = ({ spec }: Deployment): number | undefined =>
  spec.revisionHistoryLimit === noLimit ? undefined : spec.revisionHistoryLimit;

export interface Fenceposts {
  /** Pods beyond the wanted number that may exist during a rollout. */
  readonly maxSurge: number;
  /** Wanted pods that may be missing during a rollout. */
  readonly maxUnavailable: number;
}

/** Both at once: when both come to zero, one pod may be unavailable, or nothing could move. */
export function fenceposts(deployment: Deployment): Fenceposts {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const wanted = wantedReplicas(deployment);
  const { maxSurge = "25%", maxUnavailable = "25%" } =
    deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, wanted, Math.ceil);
  const missing = scaledValue(maxUnavailable, wanted, Math.floor);
  const unavailable = surge === 0 && missing === 0 ? 1 : missing;
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, wanted) };
}
