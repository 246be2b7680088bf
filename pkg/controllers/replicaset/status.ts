import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { hasLabels } from "../label-selector.ts";
import { availableInMs, isPodReady } from "../pod-facts.ts";

export interface Observation {
  /** Those that count, active. */
  readonly pods: readonly Pod[];
  /** Its own that have been asked to end. */
  readonly terminating: number;
  /** Why pods could not be created or deleted just now. */
  readonly failure: string | undefined;
  readonly nowMs: number;
}

/** The status as it should be written. */
export function replicaSetStatus(
  replicaSet: ReplicaSet,
  { pods, terminating, failure, nowMs }: Observation,
): ReplicaSetStatus {
  const { spec, metadata } = replicaSet;
  const minReadySeconds = spec.minReadySeconds ?? 0;
  const conditions = conditionsAfter(replicaSet, pods.length, failure, nowMs);
  return {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) =>
      hasLabels(pod.metadata?.labels, spec.template?.metadata?.labels),
    ).length,
    readyReplicas: pods.filter(isPodReady).length,
    availableReplicas: pods.filter((pod) => availableInMs(pod, minReadySeconds, nowMs) === 0)
      .length,
    terminatingReplicas: terminating,
    observedGeneration: metadata?.generation ?? 0,
    conditions,
  };
}

/** Milliseconds until the next ready pod becomes available; undefined: none is waiting for it. */
export function nextAvailableInMs(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  nowMs: number,
): number | undefined {
  const waits = pods
    .map((pod) => availableInMs(pod, replicaSet.spec.minReadySeconds ?? 0, nowMs))
    .filter((ms) => ms !== undefined && ms > 0) as number[];
  return waits.length === 0 ? undefined : Math.min(...waits);
}

function conditionsAfter(
  { spec, status }: ReplicaSet,
  pods: number,
  failure: string | undefined,
  nowMs: number,
): readonly ReplicaSetCondition[] {
  const before = status?.conditions ?? [];
  const others = before.filter(({ type }) => type !== "ReplicaFailure");
  if (failure === undefined) return others;
  // The first failure stays until a success: its text and time tell when the trouble began.
  if (others.length < before.length) return before;
  const reason = pods < (spec.replicas ?? 1) ? "FailedCreate" : "FailedDelete";
  const lastTransitionTime = rfc3339(nowMs);
  return [
    ...others,
    { type: "ReplicaFailure", status: "True", lastTransitionTime, reason, message: failure },
  ];
}
