/**
 * Time that moves only when told to: the timeouts of a fifty-node cluster run in milliseconds,
 * always in the same order. Among timers due at the same instant, the first set fires first.
 */
import type { Clock } from "../base/clock.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
  cancelled: boolean;
}

/** 2026-01-01T00:00:00Z: any fixed instant does, since a run must not depend on the day. */
const defaultEpochMs = Date.UTC(2026, 0, 1);

export class SimulatedClock implements Clock {
  readonly #epochMs: number;
  /** Sorted, latest first, so that the next one is popped from the end. */
  readonly #timers: Timer[] = [];
  #elapsedMs = 0;
  #order = 0;

  constructor(epochMs: number = defaultEpochMs) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#epochMs + Math.floor(this.#elapsedMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = (): void => {
        timer[Symbol.dispose]();
        reject(signal?.reason as Error);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  after(ms: number, callback: () => void): Disposable {
    this.#order += 1;
    const timer: Timer = {
      at: this.#elapsedMs + Math.max(0, ms),
      order: this.#order,
      fire: callback,
      cancelled: false,
    };
    this.#timers.splice(this.#placeOf(timer), 0, timer);
    return { [Symbol.dispose]: () => void (timer.cancelled = true) };
  }

  /** Wakes the earliest sleeper; false when nobody sleeps. What it woke has not run yet. */
  tick(): boolean {
    const next = this.#next();
    if (next === undefined) return false;
    this.#timers.pop();
    this.#elapsedMs = next.at;
    next.fire();
    return true;
  }

  /** Lets `ms` pass, waking everybody in between and letting what they do settle. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }

  /**
   * Lets time pass until the condition holds (true) or `timeoutMs` has passed (false). The
   * condition is asked whenever everything has settled.
   */
  async runUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
    const end = this.#elapsedMs + timeoutMs;
    for (;;) {
      await settle();
      if (condition()) return true;
      const next = this.#next();
      if (next === undefined || next.at > end) {
        this.#elapsedMs = end;
        return false;
      }
      this.tick();
    }
  }

  #next(): Timer | undefined {
    while (this.#timers.at(-1)?.cancelled === true) this.#timers.pop();
    return this.#timers.at(-1);
  }

  /** Index at which the timer keeps the array sorted: behind all that are due later. */
  #placeOf(timer: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && other.at > timer.at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * One turn of the event loop: every promise that can go on without time passing has gone on when
 * it comes back, since promise jobs all run before the next turn.
 */
export const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
