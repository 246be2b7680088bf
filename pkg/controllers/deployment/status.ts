import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
} from "../../../api/apps/v1.ts";
import {
  conditionOf,
  replacing,
  withCondition,
  withoutCondition,
  type Conditions,
} from "./conditions.ts";
import { fenceposts, progressDeadlineMs, wantedReplicas } from "./limits.ts";
import { sizeOf, sum } from "./scaling.ts";

type Sets = readonly ReplicaSet[];

/** Counts and the Available condition; `conditions` are the ones to go on from. */
export function statusOf(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: Sets,
  conditions: Conditions,
  nowMs: number,
): DeploymentStatus {
  const available = sum(all, ({ status }) => status?.availableReplicas ?? 0);
  const least = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const enough = available >= least;
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: sum(all, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, sizeOf) - available),
    terminatingReplicas: sum(all, ({ status }) => status?.terminatingReplicas ?? 0),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(
      conditions,
      {
        type: "Available",
        status: enough ? "True" : "False",
        reason: enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
        message: enough
          ? "Deployment has minimum availability."
          : "Deployment does not have minimum availability.",
      },
      nowMs,
    ),
  };
}

/** All pods are of the current template, wanted, available, and no others are left. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** The status during and after a rollout: counts, and whether it moves. */
export function rolloutStatus(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  all: Sets,
  conditions: Conditions,
  nowMs: number,
): DeploymentStatus {
  const status = statusOf(deployment, newest, all, conditions, nowMs);
  const progressed = withProgress(deployment, newest, status, conditions, nowMs);
  const failure = replicaFailure(newest, all);
  return {
    ...status,
    conditions:
      failure === undefined
        ? withoutCondition(progressed, "ReplicaFailure")
        : conditionOf(progressed, "ReplicaFailure")?.reason === failure.reason
          ? progressed
          : [...withoutCondition(progressed, "ReplicaFailure"), failure],
  };
}

function withProgress(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  status: DeploymentStatus,
  before: Conditions,
  nowMs: number,
): Conditions {
  const conditions = status.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return withoutCondition(conditions, "Progressing");
  const current = conditionOf(before, "Progressing");
  const wasComplete =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) &&
    current?.reason === "NewReplicaSetAvailable";
  if (wasComplete) return conditions;
  const what =
    newest === undefined
      ? `Deployment "${deployment.metadata?.name}"`
      : `ReplicaSet "${newest.metadata?.name}"`;
  const type = "Progressing";
  if (isComplete(deployment, status)) {
    const message = `${what} has successfully progressed.`;
    const reason = "NewReplicaSetAvailable";
    return withCondition(conditions, { type, status: "True", reason, message }, nowMs);
  }
  if (hasMoved(deployment.status ?? {}, status)) {
    const message = `${what} is progressing.`;
    const reason = "ReplicaSetUpdated";
    return replacing(conditions, { type, status: "True", reason, message }, nowMs);
  }
  if (isTimedOut(current, deadlineMs, nowMs)) {
    const message = `${what} has timed out progressing.`;
    const reason = "ProgressDeadlineExceeded";
    return withCondition(conditions, { type, status: "False", reason, message }, nowMs);
  }
  return conditions;
}

/** More new pods, fewer old ones, or more that are ready or available than last time. */
function hasMoved(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number =>
    (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isTimedOut(
  current: DeploymentCondition | undefined,
  deadlineMs: number,
  nowMs: number,
): boolean {
  if (current === undefined || current.reason === "NewReplicaSetAvailable") return false;
  if (current.reason === "ProgressDeadlineExceeded") return true;
  return nowMs > Date.parse(current.lastUpdateTime ?? "") + deadlineMs;
}

/** Milliseconds until lack of progress must be looked for; undefined: no need. */
export function progressCheckInMs(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const current = conditionOf(status.conditions ?? [], "Progressing");
  if (deadlineMs === undefined || current === undefined) return undefined;
  if (isComplete(deployment, status) || current.reason === "ProgressDeadlineExceeded")
    return undefined;
  // One second more than the deadline: written times have no milliseconds.
  const due = Date.parse(current.lastUpdateTime ?? "") + deadlineMs + 1_000;
  return Math.max(1_000, due - nowMs);
}

/** A ReplicaSet's failure to create pods shows on the Deployment; the newest one's first. */
function replicaFailure(
  newest: ReplicaSet | undefined,
  all: Sets,
): DeploymentCondition | undefined {
  const [failure] = [...(newest === undefined ? [] : [newest]), ...all].flatMap((set) =>
    (set.status?.conditions ?? []).filter(({ type }) => type === "ReplicaFailure"),
  );
  if (failure === undefined) return undefined;
  const time = failure.lastTransitionTime;
  return { ...failure, ...(time === undefined ? {} : { lastUpdateTime: time }) };
}
