import type { Clock } from "../../base/clock.ts";

const limits = {
  /** A kubelet that refuses a pod refuses the next one too: each wait is twice the last one. */
  firstWaitMs: 1_000,
  waitMsMax: 900_000,
} as const;

interface Failure {
  readonly atMs: number;
  readonly waitMs: number;
}

/** How long the next failed pod of a DaemonSet on a node is left alone. */
export class FailedPods {
  readonly #clock: Clock;
  /** By the DaemonSet's key, then by node. */
  readonly #failures = new Map<string, Map<string, Failure>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until a failed pod there may be replaced; 0: now. */
  waitMs(key: string, node: string): number {
    const failure = this.#failures.get(key)?.get(node);
    if (failure === undefined) return 0;
    return Math.max(0, failure.atMs + failure.waitMs - this.#clock.monotonic());
  }

  /** A failed pod is being replaced. What went well for long enough begins anew. */
  count(key: string, node: string): void {
    const atMs = this.#clock.monotonic();
    const nodes = this.#failures.get(key) ?? new Map<string, Failure>();
    const last = nodes.get(node);
    const isRecent = last !== undefined && atMs - last.atMs <= 2 * limits.waitMsMax;
    const waitMs = isRecent ? Math.min(2 * last.waitMs, limits.waitMsMax) : limits.firstWaitMs;
    this.#failures.set(key, nodes.set(node, { atMs, waitMs }));
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}
