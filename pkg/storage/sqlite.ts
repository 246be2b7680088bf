/**
 * The embedded store: one SQLite file, one process. A promise of a write resolves after fsync, so
 * an acknowledged write survives SIGKILL and power loss. It is not shared between processes.
 */
import type { Clock } from "../base/clock.ts";
import { EventLog, recentEvents, watchLog } from "./event-log.ts";
import { GroupCommit } from "./group-commit.ts";
import { type Database, numberIn, openDatabase } from "./sqlite-database.ts";
import { itemOf, listNow, listThen, readEvents, readItem } from "./sqlite-reads.ts";
import { planWrite, type Write } from "./sqlite-writes.ts";
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
import { checkSize, compactedError, futureError } from "./storage-errors.ts";

const limits = {
  groupWritesMax: 2_000, // about 50 ms without a read
  historyBatchEvents: 500,
  expiriesPerTransaction: 500,
  expiryPauseMsMin: 1_000, // Events end in crowds: one transaction a second for them
  cleanRevisionsPerTransaction: 1_000, // about 10 ms without a read
} as const;

export interface SqliteOptions {
  /** ":memory:" keeps nothing. */
  readonly path: string;
  readonly clock: Clock;
}

export class SqliteStorage implements Storage {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: EventLog;
  readonly #commits: GroupCommit<Write, number>;
  #compacted: number;
  #expiry: (Disposable & { readonly at: number }) | undefined;
  #isClosed = false;

  constructor({ path, clock }: SqliteOptions) {
    this.#database = openDatabase(path);
    this.#clock = clock;
    const { run } = this.#database;
    this.#log = new EventLog(numberIn(run.newest.get(), "revision") ?? 1, recentEvents);
    this.#compacted = numberIn(run.mark.get("compacted"), "revision") ?? 0;
    this.#commits = new GroupCommit({
      commit: (writes) => this.#commit(writes),
      groupWritesMax: limits.groupWritesMax,
    });
    this.#expireLater();
  }

  async get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly item: Versioned | undefined; readonly revision: number }> {
    this.#check(signal);
    return { item: readItem(this.#database.run, key), revision: this.#log.revision };
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    this.#check(signal);
    const newest = this.#log.revision;
    const revision = request.revision ?? newest;
    if (revision < this.#compacted) throw compactedError(revision, this.#compacted);
    if (revision > newest) throw futureError(revision, newest);
    const list = revision === newest ? listNow : listThen;
    return list(this.#database.run, request, revision);
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
    const ttlMs = options.timeToLiveSeconds === undefined ? 0 : options.timeToLiveSeconds * 1000;
    const expiresAt = ttlMs === 0 ? null : Math.round(this.#clock.now() + ttlMs);
    return this.#commits.add({ key, value, expected, expiresAt });
  }

  async delete(key: string, expected: number, signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    return this.#commits.add({ key, value: undefined, expected, expiresAt: null });
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<StorageEvents> {
    this.#check();
    const readHistory = (under: string, cursor: number, until: number) =>
      this.#readHistory(under, cursor, until);
    yield* watchLog(this.#log, readHistory, { prefix, after, signal });
  }

  async revision(signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    return this.#log.revision;
  }

  async compact(revision: number, signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    if (revision > this.#log.revision) throw futureError(revision, this.#log.revision);
    if (revision <= this.#compacted) return;
    // First nobody may ask for it any more, then it is removed, part by part: a process that is
    // killed in between goes on with the next compaction.
    this.#database.run.setMark.run("compacted", revision);
    this.#compacted = revision;
    this.#log.forgetBefore(revision);
    await this.#clean(revision);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#commits.flush();
    this.#isClosed = true;
    this.#expiry?.[Symbol.dispose]();
    this.#log.close();
    this.#database.close();
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new StorageError("Unavailable", "the store is closed");
  }

  /** One transaction. Only when it is on the disk do the log and the writers hear of it. */
  #commit(writes: readonly Write[]): readonly ({ did: number } | { failed: unknown })[] {
    if (this.#isClosed) throw new StorageError("Unavailable", "the store is closed");
    const { run } = this.#database;
    const events: StorageEvent[] = [];
    let revision = this.#log.revision;
    const outcomes = this.#transaction(() =>
      writes.map((write) => {
        const plan = planWrite(write, readItem(run, write.key), revision + 1);
        if ("failed" in plan) return plan;
        revision++;
        run.append.run(...plan.entry);
        if (write.value === undefined) run.unpoint.run(write.key);
        else run.point.run(write.key, revision, write.expiresAt);
        events.push(plan.event);
        return { did: revision };
      }),
    );
    if (events.length > 0) this.#log.append(events, revision);
    if (writes.some(({ expiresAt }) => expiresAt !== null)) this.#expireLater();
    return outcomes;
  }

  #transaction<R>(work: () => R): R {
    const { run } = this.#database;
    try {
      run.begin.run();
      const result = work();
      run.commit.run();
      return result;
    } catch (cause) {
      try {
        run.rollback.run();
      } catch {
        // SQLite has rolled back by itself (disk full, I/O error): the first error is the story.
      }
      throw new StorageError("Unavailable", "write to the store", { cause });
    }
  }

  async *#readHistory(prefix: string, cursor: number, until: number): AsyncIterable<StorageEvents> {
    const limit = limits.historyBatchEvents;
    for (let after = cursor; after < until;) {
      this.#check();
      if (after < this.#compacted - 1) throw compactedError(after, this.#compacted);
      const events = readEvents(this.#database.run, { prefix, after, until, limit });
      after = events.length < limit ? until : (events.at(-1)?.revision ?? until);
      yield { events, revision: after };
    }
  }

  /** Sets the alarm for the key that expires next, unless one rings before that anyway. */
  #expireLater(): void {
    if (this.#isClosed) return;
    const next = numberIn(this.#database.run.nextExpiry.get(), "at");
    if (next === undefined || (this.#expiry?.at ?? Infinity) <= next) return;
    this.#expiry?.[Symbol.dispose]();
    const waitMs = Math.max(next - this.#clock.now(), limits.expiryPauseMsMin);
    const alarm = this.#clock.after(waitMs, () => this.#expire());
    this.#expiry = { at: next, [Symbol.dispose]: () => alarm[Symbol.dispose]() };
  }

  #expire(): void {
    this.#expiry = undefined;
    if (this.#isClosed) return;
    const { run } = this.#database;
    const expired = run.expired.all(this.#clock.now(), limits.expiriesPerTransaction).map(itemOf);
    for (const { key, revision } of expired) {
      const write = { key, value: undefined, expected: revision, expiresAt: null };
      // Written anew in the meantime, or the disk refuses: the next alarm finds what is left.
      this.#commits.add(write).catch(() => undefined);
    }
    this.#expireLater();
  }

  async #clean(until: number): Promise<void> {
    const { run } = this.#database;
    for (;;) {
      const from = numberIn(run.mark.get("cleaned"), "revision") ?? 0;
      if (from >= until) return;
      const to = Math.min(until, from + limits.cleanRevisionsPerTransaction);
      this.#transaction(() => {
        run.cleanReplaced.run(from, to);
        run.cleanDeleted.run(from, to);
        run.setMark.run("cleaned", to);
      });
      await new Promise((resolve) => void setImmediate(resolve));
      if (this.#isClosed) return;
    }
  }
}
