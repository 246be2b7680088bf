/**
 * Exponential back-off between attempts at one thing (a container's restart, an image's pull), as
 * values: nothing here reads a clock.
 */
export interface BackOffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** What was decided at the last attempt: how long after the next failure to hold still. */
export interface BackOff {
  readonly delayMs: number;
  readonly updatedAtMs: number;
}

/** Restarts of a container: 10 s doubling to 5 min; forgotten after 10 quiet minutes. */
export const restartBackOff: BackOffLimits = { initialMs: 10_000, maxMs: 300_000 };
/** Pulls of an image. */
export const pullBackOff: BackOffLimits = { initialMs: 10_000, maxMs: 300_000 };

/** A thing that held for twice the longest delay is healthy again and starts from the beginning. */
const isForgotten = (backOff: BackOff, atMs: number, limits: BackOffLimits): boolean =>
  atMs - backOff.updatedAtMs > 2 * limits.maxMs;

/** The state after an attempt made at `nowMs`. */
export const nextBackOff = (
  before: BackOff | undefined,
  nowMs: number,
  limits: BackOffLimits,
): BackOff => ({
  delayMs:
    before === undefined || isForgotten(before, nowMs, limits)
      ? limits.initialMs
      : Math.min(before.delayMs * 2, limits.maxMs),
  updatedAtMs: nowMs,
});

/** When the next attempt may be made after a failure at `failedAtMs`; 0: at once. */
export const backOffUntilMs = (
  backOff: BackOff | undefined,
  failedAtMs: number,
  limits: BackOffLimits,
): number =>
  backOff === undefined || isForgotten(backOff, failedAtMs, limits)
    ? 0
    : failedAtMs + backOff.delayMs;

/** 10s, 1m20s: the way durations are written in messages. */
export function describeDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
