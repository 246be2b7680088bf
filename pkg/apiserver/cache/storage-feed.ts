/**
 * Storage's events, once, for all kinds: one watch of the whole key space keeps every cache at the
 * same revision, so that a list of one kind is known to be current although only others changed.
 */
import { chainOf } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import type { Storage, StorageEvents, Versioned } from "../../storage/storage.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { limits } from "../limits.ts";
import type { ObjectCache } from "./object-cache.ts";

/** Above every kind's keys. */
const root = "/registry/";

const noCaches: readonly ObjectCache[] = [];

interface Waiter {
  readonly revision: number;
  readonly done: (reached: boolean) => void;
}

export interface FeedParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class StorageFeed {
  readonly #parts: FeedParts;
  readonly #caches: ObjectCache[] = [];
  /** More than one where two versions of a kind share their keys (Event). */
  readonly #byPrefix = new Map<string, readonly ObjectCache[]>();
  readonly #touched = new Set<ObjectCache>();
  #revision = 0;
  #isSynced = false;
  readonly #synced = Promise.withResolvers<void>();
  #waiters: Waiter[] = [];
  #asking: Promise<number> | undefined;
  #askNext: Promise<number> | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** All caches hold all changes up to here. */
  get revision(): number {
    return this.#revision;
  }
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Resolves when the caches are filled for the first time. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  add(cache: ObjectCache): void {
    const { prefix } = cache.codec;
    this.#caches.push(cache);
    this.#byPrefix.set(prefix, [...(this.#byPrefix.get(prefix) ?? []), cache]);
  }

  /** Fills the caches and follows storage until the signal aborts; survives storage's failures. */
  async run(signal: AbortSignal): Promise<void> {
    const { storage, clock, logger } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.#load(signal);
        for await (const batch of storage.watch(root, this.#revision, signal)) this.#take(batch);
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ error: chainOf(error) }, "the watch of storage ended; loading again");
        await clock.sleep(limits.feedRetryMs, signal).catch(() => undefined);
      }
    }
    // Nobody may wait for a feed that has ended.
    this.#synced.resolve();
    for (const waiter of this.#waiters.splice(0)) waiter.done(false);
    for (const cache of this.#caches) cache.reset([], this.#revision);
  }

  /** All kinds as they were at one revision. */
  async #load(signal: AbortSignal): Promise<void> {
    const { storage } = this.#parts;
    const revision = await storage.revision(signal);
    const loaded = await Promise.all(
      this.#caches.map(async (cache) => ({
        cache,
        items: await this.#itemsUnder(cache.codec.prefix, revision, signal),
      })),
    );
    for (const { cache, items } of loaded) cache.reset(items, revision);
    this.#revision = revision;
    this.#isSynced = true;
    this.#synced.resolve();
    this.#wake();
  }

  async #itemsUnder(prefix: string, revision: number, signal: AbortSignal): Promise<Versioned[]> {
    const items: Versioned[] = [];
    for (let after: string | undefined; ; after = items.at(-1)?.key) {
      const page = await this.#parts.storage.list(
        {
          prefix,
          revision,
          limit: limits.loadPageItems,
          ...(after === undefined ? {} : { after }),
        },
        signal,
      );
      for (const item of page.items) items.push(item);
      if (page.remaining === 0) return items;
    }
  }

  #take({ events, revision }: StorageEvents): void {
    for (const event of events) {
      for (const cache of this.#cachesOf(event.key)) {
        cache.apply(event);
        this.#touched.add(cache);
      }
    }
    this.#revision = revision;
    for (const cache of this.#touched) cache.flush();
    this.#touched.clear();
    this.#wake();
  }

  /** Prefixes have one word (/registry/pods/) or two (/registry/services/specs/). */
  #cachesOf(key: string): readonly ObjectCache[] {
    const first = key.indexOf("/", root.length) + 1;
    const one = this.#byPrefix.get(key.slice(0, first));
    if (one !== undefined) return one;
    return this.#byPrefix.get(key.slice(0, key.indexOf("/", first) + 1)) ?? noCaches;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter(({ revision }) => revision <= this.#revision);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter(({ revision }) => revision > this.#revision);
    for (const { done } of reached) done(true);
  }

  /** True when the caches are at `revision`; false when they are not after `ms`. */
  reached(revision: number, ms: number): Promise<boolean> {
    if (this.#isSynced && revision <= this.#revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        revision,
        done: (reached) => {
          timer[Symbol.dispose]();
          resolve(reached);
        },
      };
      const timer = this.#parts.clock.after(ms, () => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        resolve(false);
      });
      this.#waiters.push(waiter);
    });
  }

  /**
   * The newest revision of storage, as of some moment after this call. Calls that meet share one
   * question: those that come while one is on its way share the next.
   */
  newestRevision(): Promise<number> {
    if (this.#asking === undefined) return (this.#asking = this.#ask());
    this.#askNext ??= this.#asking.then(
      () => this.#askAgain(),
      () => this.#askAgain(),
    );
    return this.#askNext;
  }

  #askAgain(): Promise<number> {
    this.#askNext = undefined;
    return (this.#asking = this.#ask());
  }

  async #ask(): Promise<number> {
    try {
      return await this.#parts.storage.revision();
    } finally {
      this.#asking = undefined;
    }
  }

  /** Runs until the signal aborts: tells idle watchers how far they have seen. */
  async runBookmarks(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#parts.clock.sleep(limits.bookmarkEveryMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      for (const cache of this.#caches) cache.bookmark(this.#revision);
    }
  }
}
