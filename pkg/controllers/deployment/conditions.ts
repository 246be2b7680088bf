import type { DeploymentCondition } from "../../../api/apps/v1.ts";
import { rfc3339 } from "../../base/clock.ts";

export type Conditions = readonly DeploymentCondition[];

export const conditionOf = (conditions: Conditions, type: string) =>
  conditions.find((condition) => condition.type === type);

export const withoutCondition = (conditions: Conditions, type: string): Conditions =>
  conditions.filter((condition) => condition.type !== type);

export interface NewCondition {
  readonly type: "Available" | "Progressing" | "ReplicaFailure";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/**
 * Sets a condition. One of the same status and reason stays as it is; the time of transition only
 * moves when the status does.
 */
export function withCondition(
  conditions: Conditions,
  condition: NewCondition,
  nowMs: number,
): Conditions {
  const before = conditionOf(conditions, condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return conditions;
  return replacing(conditions, condition, nowMs);
}

/** The same, but the time of update moves also when the reason stays: progress was seen. */
export function replacing(
  conditions: Conditions,
  { type, status, reason, message }: NewCondition,
  nowMs: number,
): Conditions {
  const before = conditionOf(conditions, type);
  const now = rfc3339(nowMs);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  const next = { type, status, lastUpdateTime: now, lastTransitionTime, reason, message };
  return [...withoutCondition(conditions, type), next];
}
