/**
 * The newest events of a store, in revision order, and those who wait for more. A watcher is a
 * cursor into this log, so one that is slow costs no memory: it reads on when it comes back, from
 * the store's own history where the log has moved past it.
 */
import { StorageError, type StorageEvent, type StorageEvents } from "./storage.ts";

export interface EventLogLimits {
  readonly eventsMax: number;
  /** Sum of the sizes of values. */
  readonly valueBytesMax: number;
}

/** For stores that can read their history again. */
export const recentEvents: EventLogLimits = {
  eventsMax: 2_000,
  valueBytesMax: 8 * 1024 * 1024,
};

/** For the store whose only history this is; `compact` is what bounds it. */
export const allEvents: EventLogLimits = { eventsMax: Infinity, valueBytesMax: Infinity };

/** How many events of the log a watcher looks at before it hands a batch over. */
const batchEventsMax = 1_000;

const bytesOf = (event: StorageEvent): number =>
  event.type === "put" ? event.value.byteLength : 0;

/** `E`: a store may keep with its events what it needs itself. */
export class EventLog<E extends StorageEvent = StorageEvent> {
  /** Every event with a revision above this is here. */
  #start: number;
  /** Every event up to this was appended. */
  #revision: number;
  #events: E[] = [];
  /** Events before this index are forgotten; they are cut off when they are many. */
  #head = 0;
  #valueBytes = 0;
  #closed: StorageError | undefined;
  readonly #limits: EventLogLimits;
  readonly #waiting = new Set<() => void>();

  constructor(start: number, limits: EventLogLimits) {
    this.#start = start;
    this.#revision = start;
    this.#limits = limits;
  }

  get start(): number {
    return this.#start;
  }
  get revision(): number {
    return this.#revision;
  }

  /** Adds the events of the revisions up to `revision`, in their order, and wakes who waits. */
  append(events: readonly E[], revision: number): void {
    for (const event of events) {
      this.#events.push(event);
      this.#valueBytes += bytesOf(event);
    }
    this.#revision = revision;
    while (this.#isOverfull()) this.#forgetFirst();
    this.#cut();
    this.#wakeAll();
  }

  /** Forgets events of revisions below `revision`. */
  forgetBefore(revision: number): void {
    while ((this.#events[this.#head]?.revision ?? Infinity) < revision) this.#forgetFirst();
    this.#start = Math.max(this.#start, revision - 1);
    this.#cut();
    this.#wakeAll();
  }

  /** Begins anew at `revision`, when what happened before cannot be known any more. */
  reset(revision: number): void {
    this.#events = [];
    this.#head = 0;
    this.#valueBytes = 0;
    this.#start = revision;
    this.#revision = revision;
    this.#wakeAll();
  }

  /** Events under the prefix after `cursor` (not below `start`), as many as make one batch. */
  since(cursor: number, prefix: string): StorageEvents {
    const first = this.#indexAfter(cursor);
    const end = this.#endOfBatch(first);
    const events: StorageEvent[] = [];
    for (let index = first; index < end; index++) {
      const event = this.#events[index];
      if (event?.key.startsWith(prefix) === true) events.push(event);
    }
    const last = this.#events[end - 1];
    const whole = end === this.#events.length || last === undefined;
    return { events, revision: whole ? this.#revision : last.revision };
  }

  /** Events after `cursor`, newest first: how to walk back to an earlier revision. */
  *backTo(cursor: number): Iterable<E> {
    const first = this.#indexAfter(cursor);
    for (let index = this.#events.length - 1; index >= first; index--) {
      const event = this.#events[index];
      if (event !== undefined) yield event;
    }
  }

  /** Resolves when something was appended or forgotten, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        if (this.#closed === undefined) resolve();
        else reject(this.#closed);
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  close(): void {
    this.#closed = new StorageError("Unavailable", "the store is closed");
    this.#wakeAll();
  }

  #endOfBatch(first: number): number {
    let end = Math.min(first + batchEventsMax, this.#events.length);
    // A transaction's events share a revision, and a cursor must not stop among them.
    while (this.#events[end]?.revision === this.#events[end - 1]?.revision && end > first) {
      if (end === this.#events.length) break;
      end++;
    }
    return end;
  }

  #indexAfter(revision: number): number {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? Infinity) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isOverfull(): boolean {
    const count = this.#events.length - this.#head;
    return count > this.#limits.eventsMax || this.#valueBytes > this.#limits.valueBytesMax;
  }

  #forgetFirst(): void {
    const event = this.#events[this.#head];
    if (event === undefined) return;
    this.#head++;
    this.#valueBytes -= bytesOf(event);
    this.#start = event.revision;
  }

  #cut(): void {
    if (this.#head <= this.#events.length / 2) return;
    this.#events = this.#events.slice(this.#head);
    this.#head = 0;
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** Reads one batch of a store's history: after `cursor`, at most up to the revision `until`. */
export type ReadHistory = (
  prefix: string,
  cursor: number,
  until: number,
) => AsyncIterable<StorageEvents>;

/** `Storage.watch` over a log: history first where the log does not reach back far enough. */
export async function* watchLog(
  log: EventLog,
  readHistory: ReadHistory,
  options: { readonly prefix: string; readonly after: number; readonly signal: AbortSignal },
): AsyncIterable<StorageEvents> {
  const { prefix, after, signal } = options;
  let cursor = after;
  while (!signal.aborted) {
    if (cursor < log.start) {
      for await (const batch of readHistory(prefix, cursor, log.start)) {
        if (signal.aborted) return;
        if (batch.revision > cursor) yield batch;
        cursor = Math.max(cursor, batch.revision);
      }
      continue;
    }
    const batch = log.since(cursor, prefix);
    if (batch.revision > cursor) {
      cursor = batch.revision;
      yield batch;
    } else await log.changed(signal);
  }
}
