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
  readonly #timers = new TimerHeap();
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
    this.#timers.push(timer);
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
    while (this.#timers.first?.cancelled === true) this.#timers.pop();
    return this.#timers.first;
  }
}

const isSooner = (one: Timer, other: Timer): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** A binary heap, the soonest first: a cluster sets and cancels thousands of timers a second. */
class TimerHeap {
  readonly #items: Timer[] = [];

  get first(): Timer | undefined {
    return this.#items[0];
  }

  push(timer: Timer): void {
    const items = this.#items;
    let at = items.length;
    items.push(timer);
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = items[above];
      if (parent === undefined || !isSooner(timer, parent)) break;
      items[at] = parent;
      at = above;
    }
    items[at] = timer;
  }

  pop(): void {
    const items = this.#items;
    const last = items.pop();
    if (last === undefined || items.length === 0) return;
    let at = 0;
    for (;;) {
      const below = this.#soonerOf(2 * at + 1, 2 * at + 2);
      const child = items[below];
      if (child === undefined || !isSooner(child, last)) break;
      items[at] = child;
      at = below;
    }
    items[at] = last;
  }

  #soonerOf(left: number, right: number): number {
    const [one, other] = [this.#items[left], this.#items[right]];
    return one !== undefined && other !== undefined && isSooner(other, one) ? right : left;
  }
}

/**
 * One turn of the event loop: every promise that can go on without time passing has gone on when
 * it comes back, since promise jobs all run before the next turn.
 */
export const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
