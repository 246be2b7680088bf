import type { Clock } from "../base/clock.ts";
import type { HealthCheck } from "../telemetry/health.ts";

/** Past the end of its lease a leader has so long to notice, and to stop leading. */
const toleranceMs = 20_000;

/**
 * Whether an election is stuck: a leader whose lease ended long ago, and whose work goes on, helps
 * nobody and may do harm beside the next leader. Who does not lead is healthy.
 */
export class LeaderHealth {
  readonly #clock: Clock;
  #leaseEndsMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The lease is ours for so long from now. */
  renewed(leaseMs: number): void {
    this.#leaseEndsMs = this.#clock.monotonic() + leaseMs;
  }

  /** Leads no more: its work has ended. */
  ended(): void {
    this.#leaseEndsMs = Infinity;
  }

  get isLeading(): boolean {
    return this.#leaseEndsMs !== Infinity;
  }

  /** Under upstream's name. */
  readonly check: HealthCheck = {
    name: "leaderElection",
    check: async () => {
      const lateMs = this.#clock.monotonic() - this.#leaseEndsMs;
      if (lateMs > toleranceMs)
        throw new Error(`the lease ended ${Math.round(lateMs / 1000)} s ago, and we still lead`);
    },
  };
}
