/**
 * Keys to be worked on: a key waits at most once, is worked on by one worker at a time, and comes
 * back after its work when it was added meanwhile. What fails comes back later and later.
 */
import type { Clock } from "../base/clock.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** First wait after a failure; it doubles with each further one. */
  readonly backoffFirstMs?: number;
  readonly backoffMaxMs?: number;
}

/** Counters for metrics, named as upstream's workqueue_* ones. */
export interface WorkQueueStats {
  readonly depth: number;
  readonly adds: number;
  readonly retries: number;
  readonly unfinished: number;
}

/**
 * After so many keys others have a turn of the event loop: work that only ever adds more work, and
 * waits for nothing outside, would otherwise stop the whole process.
 */
const keysATurnMax = 1_000;

export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoffFirstMs: number;
  readonly #backoffMaxMs: number;
  /** In the order in which they will be taken; a Set keeps the order of insertion. */
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Added while being worked on. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #delayed = new Map<string, { readonly at: number; readonly timer: Disposable }>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;
  /** Since others had a turn. */
  #handed = 0;
  #adds = 0;
  #retries = 0;

  constructor({ clock, backoffFirstMs, backoffMaxMs }: WorkQueueOptions) {
    this.#clock = clock;
    this.#backoffFirstMs = backoffFirstMs ?? 5;
    // Who repaired the cause of a failure should not wait longer than a minute to see it.
    this.#backoffMaxMs = backoffMaxMs ?? 60_000;
  }

  get stats(): WorkQueueStats {
    return {
      depth: this.#ready.size + this.#again.size,
      adds: this.#adds,
      retries: this.#retries,
      unfinished: this.#working.size,
    };
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#adds += 1;
    if (this.#working.has(key)) this.#again.add(key);
    else this.#hand(key);
  }

  /** Adds after so many milliseconds; of several times for one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    const at = this.#clock.monotonic() + ms;
    const present = this.#delayed.get(key);
    if (present !== undefined && present.at <= at) return;
    present?.timer[Symbol.dispose]();
    const timer = this.#clock.after(ms, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, timer });
  }

  /** Adds after a wait that doubles with every call until `forget`. Returns the wait. */
  retry(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#retries += 1;
    const ms = Math.min(this.#backoffFirstMs * 2 ** Math.min(failures, 30), this.#backoffMaxMs);
    this.addAfter(key, ms);
    return ms;
  }

  /** The work on the key succeeded: its next failure waits only shortly. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is closed. Pair with `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#handOut();
    });
  }

  done(key: string): void {
    this.#working.delete(key);
    if (this.#again.delete(key) && !this.#closed) this.#hand(key);
  }

  /** Wakes all takers with undefined and drops what waits. */
  close(): void {
    this.#closed = true;
    this.#ready.clear();
    this.#again.clear();
    for (const { timer } of this.#delayed.values()) timer[Symbol.dispose]();
    this.#delayed.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }

  #hand(key: string): void {
    this.#ready.add(key);
    this.#handOut();
  }

  #handOut(): void {
    for (const key of this.#ready) {
      if (this.#takers.length === 0 || this.#handed === keysATurnMax) return;
      this.#ready.delete(key);
      this.#working.add(key);
      this.#handed += 1;
      if (this.#handed === keysATurnMax) this.#clock.after(0, () => this.#beginTurn());
      this.#takers.shift()?.(key);
    }
  }

  #beginTurn(): void {
    this.#handed = 0;
    this.#handOut();
  }
}
