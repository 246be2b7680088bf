import { isTerminalPhase } from "../pods/pod-spec.ts";
import type { RuntimePod } from "../runtime/runtime-pod.ts";

/** Dead containers that a name keeps, beside the newest one: for `logs --previous`. */
const deadPerNameMax = 1;
/** A container that has just ended may still be looked at by its pod's worker. */
const deadAgeMsMin = 60_000;

export interface DeadThings {
  readonly containers: readonly string[];
  readonly sandboxes: readonly string[];
}

/**
 * What of one pod's dead containers and sandboxes may go: all but the newest of each name and the
 * one before, and every sandbox but the newest that holds nothing any more. Pure.
 */
export function planContainerGc(
  pod: RuntimePod,
  phase: string | undefined,
  nowMs: number,
): DeadThings {
  const containers: string[] = [];
  const kept = new Set<string>();
  const seen = new Map<string, number>();
  for (const container of pod.containers) {
    const rank = seen.get(container.name) ?? 0;
    seen.set(container.name, rank + 1);
    const isDead = container.phase === "exited" && nowMs - container.finishedAtMs > deadAgeMsMin;
    const limit = isTerminalPhase(phase) ? 0 : deadPerNameMax;
    if (isDead && rank > limit) containers.push(container.id);
    else kept.add(container.sandboxId);
  }
  const sandboxes = pod.sandboxes
    .slice(1)
    .filter(({ id, isReady }) => !isReady && !kept.has(id))
    .map(({ id }) => id);
  return { containers, sandboxes };
}
