import type { Clock } from "../../base/clock.ts";
import { nextBackOff, type BackOff, type BackOffLimits } from "./back-off.ts";

/** After a failed step (a sandbox, a volume, a container's making) before the next attempt. */
const retryBackOff: BackOffLimits = { initialMs: 1_000, maxMs: 60_000 };

/**
 * The steps of one pod that are under way: each at most once at a time, and after a failure not
 * before its back-off has run out.
 */
export class PodWorks {
  readonly #clock: Clock;
  readonly #onDone: () => void;
  readonly #running = new Set<string>();
  readonly #failed = new Map<string, BackOff>();

  /** `onDone` is called after each step's end, good or bad. */
  constructor(clock: Clock, onDone: () => void) {
    this.#clock = clock;
    this.#onDone = onDone;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** When a failed step may be tried again; 0: now. */
  retryAtMs(key: string): number {
    const failed = this.#failed.get(key);
    return failed === undefined ? 0 : failed.updatedAtMs + failed.delayMs;
  }

  /** The reason of the failure is gone: try at once. */
  forgive(): void {
    this.#failed.clear();
  }

  /** `run` tells its own failures; that it failed is all that is kept here. */
  start(key: string, run: () => Promise<void>): void {
    if (this.#running.has(key) || this.retryAtMs(key) > this.#clock.now()) return;
    this.#running.add(key);
    void run()
      .then(
        () => void this.#failed.delete(key),
        () => this.fail(key),
      )
      .finally(() => {
        this.#running.delete(key);
        this.#onDone();
      });
  }

  succeed(key: string): void {
    this.#failed.delete(key);
  }

  fail(key: string): void {
    this.#failed.set(key, nextBackOff(this.#failed.get(key), this.#clock.now(), retryBackOff));
  }

  /** The earliest time at which a failed step may be tried again. */
  nextRetryMs(): number | undefined {
    const times = [...this.#failed.keys()]
      .filter((key) => !this.#running.has(key))
      .map((key) => this.retryAtMs(key))
      .filter((ms) => ms > this.#clock.now());
    return times.length === 0 ? undefined : Math.min(...times);
  }
}
