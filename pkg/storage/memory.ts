/**
 * A Storage that lives in this process and ends with it: for tests and for the simulator. It waits
 * for nothing, so that with a simulated clock the same calls give the same history every time.
 */
import type { Clock } from "../base/clock.ts";
import { allEvents, EventLog, watchLog } from "./event-log.ts";
import { prefixEnd, rangeStart } from "./key-range.ts";
import { SortedKeys } from "./sorted-keys.ts";
import {
  type ListPage,
  type ListRequest,
  type PutOptions,
  type Storage,
  StorageError,
  type StorageEvent,
  type StorageEvents,
  type Versioned,
} from "./storage.ts";
import { checkSize, compactedError, conflictError, futureError } from "./storage-errors.ts";

/** An event, and what the key held just before: absent where it did not exist. */
type Undoable = StorageEvent & { readonly previous?: Versioned };

export class MemoryStorage implements Storage {
  readonly #clock: Clock;
  readonly #items = new Map<string, Versioned>();
  /** The keys of `#items`. */
  readonly #keys = new SortedKeys();
  /** What ends each key that has a time to live. */
  readonly #expiries = new Map<string, Disposable>();
  readonly #log = new EventLog<Undoable>(1, allEvents);
  #compacted = 0;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly item: Versioned | undefined; readonly revision: number }> {
    this.#check(signal);
    return { item: this.#items.get(key), revision: this.#log.revision };
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    this.#check(signal);
    const revision = request.revision ?? this.#log.revision;
    if (revision < this.#compacted) throw compactedError(revision, this.#compacted);
    if (revision > this.#log.revision) throw futureError(revision, this.#log.revision);
    const start = rangeStart(request.prefix, request.after);
    const end = prefixEnd(request.prefix);
    const limit = request.limit ?? Infinity;
    const { items, keys } = revision === this.#log.revision ? this.#now() : this.#then(revision);
    const page = keys.range(start, end, limit);
    const found = page.keys.flatMap((key) => items.get(key) ?? []);
    return { items: found, revision, remaining: page.more };
  }

  async put(
    key: string,
    value: Uint8Array,
    expected: number,
    options: PutOptions = {},
    signal?: AbortSignal,
  ): Promise<number> {
    this.#check(signal);
    checkSize(key, value);
    const previous = this.#expect(key, expected);
    const revision = this.#log.revision + 1;
    if (previous === undefined) this.#keys.add(key);
    this.#items.set(key, { key, value, revision });
    this.#expireLater(key, revision, options.timeToLiveSeconds);
    const event = { type: "put", key, value, revision, created: previous === undefined } as const;
    this.#log.append([previous === undefined ? event : { ...event, previous }], revision);
    return revision;
  }

  async delete(key: string, expected: number, signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    const previous = this.#expect(key, expected);
    if (previous === undefined) throw new StorageError("Conflict", `${key} is absent`);
    return this.#remove(previous);
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<StorageEvents> {
    this.#check();
    // The log is all the history there is: before its start lies only what was compacted.
    const refuse = (_prefix: string, cursor: number): never => {
      throw compactedError(cursor, this.#compacted);
    };
    yield* watchLog(this.#log, refuse, { prefix, after, signal });
  }

  async revision(signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    return this.#log.revision;
  }

  async compact(revision: number, signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    if (revision > this.#log.revision) throw futureError(revision, this.#log.revision);
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    this.#log.forgetBefore(revision);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const expiry of this.#expiries.values()) expiry[Symbol.dispose]();
    this.#log.close();
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new StorageError("Unavailable", "the store is closed");
  }

  #expect(key: string, expected: number): Versioned | undefined {
    const current = this.#items.get(key);
    if ((current?.revision ?? 0) !== expected) throw conflictError(key, expected, current);
    return current;
  }

  #remove(previous: Versioned): number {
    const revision = this.#log.revision + 1;
    const { key } = previous;
    this.#items.delete(key);
    this.#keys.remove(key);
    this.#expireLater(key, revision, undefined);
    this.#log.append([{ type: "delete", key, revision, previous }], revision);
    return revision;
  }

  #expireLater(key: string, revision: number, seconds: number | undefined): void {
    this.#expiries.get(key)?.[Symbol.dispose]();
    this.#expiries.delete(key);
    if (seconds === undefined) return;
    const expire = (): void => {
      const current = this.#items.get(key);
      if (current?.revision === revision) this.#remove(current);
    };
    this.#expiries.set(key, this.#clock.after(seconds * 1000, expire));
  }

  #now(): KeySpace {
    return { items: this.#items, keys: this.#keys };
  }

  /** The past is the present with every later event undone, the newest first. */
  #then(revision: number): KeySpace {
    const items = new Map(this.#items);
    for (const event of this.#log.backTo(revision)) undo(items, event);
    const keys = new SortedKeys();
    for (const key of items.keys()) keys.add(key);
    return { items, keys };
  }
}

interface KeySpace {
  readonly items: ReadonlyMap<string, Versioned>;
  readonly keys: SortedKeys;
}

function undo(items: Map<string, Versioned>, { key, previous }: Undoable): void {
  if (previous === undefined) items.delete(key);
  else items.set(key, previous);
}
