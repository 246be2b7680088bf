/**
 * One kind in storage: the way of every write, the same for all kinds. It reads from the cache,
 * writes against the revision that it read, and begins again when another writer was faster.
 */
import type { KubeObject } from "../../../api/resource.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { type Storage, StorageError } from "../../storage/storage.ts";
import type { AdmissionChain } from "../admission/run-admission.ts";
import type { Entry } from "../cache/entry.ts";
import type { EntryCodec, Prepared } from "../cache/entry-codec.ts";
import type { ObjectCache } from "../cache/object-cache.ts";
import type { StorageFeed } from "../cache/storage-feed.ts";
import { limits } from "../limits.ts";
import type { Objects } from "../objects-contract.ts";
import type { Allocations } from "./allocation.ts";
import { conflict, notFound } from "../refusals.ts";
import type { Resource } from "../resource.ts";
import { Snapshots } from "./snapshots.ts";
import { Turns } from "./turns.ts";
import { isUnchanged } from "./unchanged.ts";
import type { WriteContext } from "./write-context.ts";

/** What every store shares. */
export interface StoreParts {
  readonly storage: Storage;
  readonly feed: StorageFeed;
  readonly clock: Clock;
  readonly random: Random;
  readonly admission: AdmissionChain;
  readonly objects: Objects;
  readonly allocations: Allocations;
}

export interface StoredName {
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

/** What becomes of an object: written as it is, or removed. */
export type Change =
  | { readonly do: "write"; readonly object: KubeObject }
  | { readonly do: "remove" }
  | { readonly do: "nothing" };

export interface Changed {
  /** As it is now; of a removal, the last state. */
  readonly entry: Entry;
  readonly isRemoved: boolean;
}

/** Decides on the object as it is. */
export type Plan = (current: KubeObject, entry: Entry) => Promise<Change> | Change;

interface Attempt {
  /** What this server's last writer of the object left behind, where one was just before. */
  readonly left: Entry | undefined;
  readonly context: WriteContext;
  readonly plan: Plan;
}

/** An object that the cache does not have is gone, or not yet there: storage will say. */
const newer = (cached: Entry | undefined, left: Entry | undefined): Entry | undefined =>
  cached !== undefined && left !== undefined && left.revision > cached.revision ? left : cached;

export class ResourceStore {
  readonly resource: Resource;
  readonly cache: ObjectCache;
  readonly codec: EntryCodec;
  readonly parts: StoreParts;
  readonly snapshots = new Snapshots();
  readonly #turns = new Turns();

  constructor(cache: ObjectCache, parts: StoreParts) {
    this.cache = cache;
    this.codec = cache.codec;
    this.resource = cache.codec.resource;
    this.parts = parts;
  }

  objectOf(entry: Entry): KubeObject {
    return this.cache.objectOf(entry);
  }

  /** From the cache, once it is known to be current; from storage when it lags. */
  async readCurrent({ namespace, name }: StoredName, signal: AbortSignal): Promise<Entry> {
    const { feed } = this.parts;
    const key = this.codec.keyOf(namespace, name);
    const newest = await feed.newestRevision();
    const isCurrent = newest <= feed.revision || (await feed.reached(newest, limits.cacheLagMs));
    const entry = isCurrent ? this.cache.get(key) : await this.readStored(key, signal);
    if (entry === undefined) throw notFound(this.resource.ref, name);
    return entry;
  }

  /** As storage has it now. */
  async readStored(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    const { item } = await this.parts.storage.get(key, signal);
    if (item === undefined) return undefined;
    const cached = this.cache.get(key);
    if (cached?.revision === item.revision) return cached;
    return this.codec.entryOf(key, item.value, item.revision);
  }

  /** Puts a new object. Throws StorageError "Conflict" when the name is taken. */
  async insert(name: StoredName, object: KubeObject, context: WriteContext): Promise<Entry> {
    const prepared = this.codec.prepare(this.codec.keyOf(name.namespace, name.name), object);
    if (context.dryRun) return this.#dryInsert(prepared, context);
    return this.#put(prepared, 0, context);
  }

  async #dryInsert(prepared: Prepared, { signal }: WriteContext): Promise<Entry> {
    const { item } = await this.parts.storage.get(prepared.key, signal);
    if (item !== undefined) {
      throw new StorageError("Conflict", `${prepared.key} exists`, { current: item });
    }
    return { ...this.codec.entryOfPrepared(prepared, 0), json: prepared.value };
  }

  async #put(prepared: Prepared, expected: number, context: WriteContext): Promise<Entry> {
    const seconds = this.resource.timeToLiveSeconds;
    this.cache.expectWrite(prepared);
    try {
      const revision = await this.parts.storage.put(
        prepared.key,
        prepared.value,
        expected,
        seconds === undefined ? {} : { timeToLiveSeconds: seconds },
        context.signal,
      );
      return this.codec.entryOfPrepared(prepared, revision);
    } catch (error) {
      this.cache.forgetWrite(prepared);
      throw error;
    }
  }

  /**
   * Reads, asks `plan` what to do, writes; when the object changed in between, again from the
   * start. `plan` may run several times. A refusal by it counts only on current data: one that
   * rests on a stale cache is tried again on what storage has.
   */
  async change(target: StoredName, context: WriteContext, plan: Plan): Promise<Changed> {
    const key = this.codec.keyOf(target.namespace, target.name);
    // What a dry run would have written is nothing to go on from.
    if (context.dryRun) return this.#change(key, target.name, { left: undefined, context, plan });
    return this.#turns.take(key, (left) => this.#change(key, target.name, { left, context, plan }));
  }

  async #change(key: string, name: string, { left, context, plan }: Attempt): Promise<Changed> {
    let found = newer(this.cache.get(key), left);
    let isFresh = found === undefined;
    if (found === undefined) found = await this.readStored(key, context.signal);
    for (let attempt = 0; attempt < limits.writeAttemptsMax; attempt++) {
      if (found === undefined) throw notFound(this.resource.ref, name);
      const entry: Entry = found;
      try {
        const done = await this.#perform(entry, await plan(this.objectOf(entry), entry), context);
        if (isFresh || done.entry !== entry || done.isRemoved) return done;
        // Nothing to do, says a cache that may lag: storage decides.
        const read = await this.readStored(key, context.signal);
        if (read?.revision === entry.revision) return done;
        found = read;
        isFresh = true;
      } catch (error) {
        const isConflict = error instanceof StorageError && error.reason === "Conflict";
        if (!isConflict && (isFresh || !(error instanceof StatusError))) throw error;
        const read = await this.readStored(key, context.signal);
        if (!isConflict && read?.revision === entry.revision) throw error;
        found = read;
        isFresh = true;
      }
    }
    throw conflict(this.resource.ref, name);
  }

  async #perform(entry: Entry, change: Change, context: WriteContext): Promise<Changed> {
    if (change.do === "nothing") return { entry, isRemoved: false };
    if (change.do === "remove") return this.#remove(entry, context);
    const prepared = this.codec.prepare(entry.key, change.object);
    if (isUnchanged(prepared, entry, this)) return { entry, isRemoved: false };
    if (context.dryRun) {
      return { entry: this.codec.entryOfPrepared(prepared, entry.revision), isRemoved: false };
    }
    return { entry: await this.#put(prepared, entry.revision, context), isRemoved: false };
  }

  async #remove(entry: Entry, context: WriteContext): Promise<Changed> {
    if (!context.dryRun) {
      await this.parts.storage.delete(entry.key, entry.revision, context.signal);
    }
    return { entry, isRemoved: true };
  }
}
