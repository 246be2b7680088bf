import type { PodCondition, PodStatus } from "../../../api/core/v1.ts";

/** Fields whose lists a strategic merge patch would merge by key, and must replace. */
const mergedLists = ["podIPs", "hostIPs"] as const;
/** Fields of which this node is the only writer: absent means that they go. */
const ownFields = [
  "observedGeneration",
  "phase",
  "message",
  "reason",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
  "qosClass",
] as const;

/**
 * A strategic merge patch from what was told to what is: only fields that changed. Conditions
 * merge by type, so those that others keep stay. Undefined: nothing changed. Pure.
 */
export function statusPatch(
  before: PodStatus | undefined,
  now: PodStatus,
): Readonly<Record<string, unknown>> | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of ownFields) {
    if (same(before?.[field], now[field])) continue;
    patch[field] = now[field] ?? null;
  }
  for (const field of mergedLists) {
    const list = patch[field];
    if (Array.isArray(list) && (before?.[field]?.length ?? 0) > 0)
      patch[field] = [...(list as unknown[]), { $patch: "replace" }];
  }
  const conditions = (now.conditions ?? []).flatMap((condition) => {
    const known = before?.conditions?.find(({ type }) => type === condition.type);
    return same(known, condition) ? [] : [{ ...withoutWords(known), ...condition }];
  });
  if (conditions.length > 0) patch["conditions"] = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** What a condition said and says no more must be taken back: a merge would keep it. */
const withoutWords = (before: PodCondition | undefined): Readonly<Record<string, null>> => ({
  ...(before?.reason === undefined ? {} : { reason: null }),
  ...(before?.message === undefined ? {} : { message: null }),
});

/** By value, whatever the order of keys: the API server has its own. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a).filter(isSet), Object.entries(b).filter(isSet)];
  if (left.length !== right.length) return false;
  return left.every(([key, value]) => same(value, (b as Record<string, unknown>)[key]));
}

const isSet = ([, value]: [string, unknown]): boolean => value !== undefined;
