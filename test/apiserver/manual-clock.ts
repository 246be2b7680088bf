import type { Clock } from "../../pkg/base/clock.ts";

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that moves only when told to. It begins at 2026-01-01T00:00:00Z. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.after(ms, resolve);
      signal?.addEventListener("abort", () => {
        timer[Symbol.dispose]();
        reject(signal.reason as Error);
      });
    });
  }
  after(ms: number, callback: () => void): Disposable {
    const sleeper: Sleeper = { at: this.#now + ms, wake: callback };
    this.#sleepers.push(sleeper);
    return {
      [Symbol.dispose]: () => {
        this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
      },
    };
  }

  /** Wakes all whose time has come, in order, and lets what they began run on. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#sleepers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#sleepers = this.#sleepers.filter((one) => one !== due);
      this.#now = Math.max(this.#now, due.at);
      due.wake();
      await settle();
    }
    this.#now = until;
    await settle();
  }
}

/** Lets everything that waits for nothing outside run to rest. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
