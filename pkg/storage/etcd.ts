/**
 * The store of clusters with an etcd of their own (3.4 or later): guarded writes are transactions
 * on a key's mod_revision, and one watch feeds all watchers. It assumes that the keys of other
 * users of the same etcd are few, since that watch sees them too.
 */
import { CompareTarget, type RequestOp, type TxnResponse } from "../../api/etcd/v3.ts";
import type { Clock } from "../base/clock.ts";
import { type Logger, silentLogger } from "../telemetry/logger.ts";
import { EtcdChannel, type EtcdTls } from "./etcd-channel.ts";
import { itemOf, rangeEnd } from "./etcd-events.ts";
import { EtcdFeed } from "./etcd-feed.ts";
import { EtcdLeases } from "./etcd-leases.ts";
import { watchLog } from "./event-log.ts";
import { rangeStart } from "./key-range.ts";
import {
  type ListPage,
  type ListRequest,
  type PutOptions,
  type Storage,
  StorageError,
  type StorageEvents,
  type Versioned,
} from "./storage.ts";
import { checkSize, conflictError } from "./storage-errors.ts";

/** A list of more is fetched in parts at one revision, so that no single answer grows too large. */
const rangeKeysMax = 1_000;

export interface EtcdOptions {
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  readonly clock: Clock;
  readonly logger?: Logger;
}

export class EtcdStorage implements Storage {
  readonly #channel: EtcdChannel;
  readonly #feed: EtcdFeed;
  readonly #leases: EtcdLeases;
  #isClosed = false;

  constructor({ clock, logger = silentLogger, ...connection }: EtcdOptions) {
    this.#channel = new EtcdChannel({ ...connection, clock });
    this.#feed = new EtcdFeed({ channel: this.#channel, clock, logger });
    this.#leases = new EtcdLeases(this.#channel, clock);
  }

  async get(
    key: string,
    signal?: AbortSignal,
  ): Promise<{ readonly item: Versioned | undefined; readonly revision: number }> {
    this.#check(signal);
    const response = await this.#channel.call("range", { key }, { signal, isRead: true });
    return { item: response.kvs?.map(itemOf)[0], revision: revisionIn(response) };
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    this.#check(signal);
    const items: Versioned[] = [];
    const limit = request.limit ?? Infinity;
    let { revision, after } = request;
    for (;;) {
      const part = await this.#range(
        {
          prefix: request.prefix,
          limit: Math.min(limit - items.length, rangeKeysMax),
          after,
          revision,
        },
        signal,
      );
      items.push(...part.items);
      if (part.remaining === 0 || items.length >= limit) return { ...part, items };
      revision = part.revision;
      after = items.at(-1)?.key;
    }
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
    const { timeToLiveSeconds } = options;
    const put = { key, value };
    if (timeToLiveSeconds === undefined)
      return this.#guarded(key, expected, { requestPut: put }, signal);
    const lease = await this.#leases.leaseFor(timeToLiveSeconds, signal);
    return this.#guarded(key, expected, { requestPut: { ...put, lease } }, signal);
  }

  async delete(key: string, expected: number, signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    if (expected === 0) throw conflictError(key, expected, (await this.get(key, signal)).item);
    return this.#guarded(key, expected, { requestDeleteRange: { key } }, signal);
  }

  async *watch(prefix: string, after: number, signal: AbortSignal): AsyncIterable<StorageEvents> {
    this.#check();
    const readHistory = (under: string, cursor: number, until: number) =>
      this.#feed.readHistory(under, cursor, until);
    yield* watchLog(this.#feed.log, readHistory, { prefix, after, signal });
  }

  async revision(signal?: AbortSignal): Promise<number> {
    this.#check(signal);
    // Any linearizable read tells it; of a single key that does not exist it is cheapest.
    const key = "\0";
    return revisionIn(await this.#channel.call("range", { key }, { signal, isRead: true }));
  }

  async compact(revision: number, signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    try {
      await this.#channel.call("compact", { revision }, { signal });
    } catch (error) {
      const isDone = error instanceof StorageError && error.reason === "Compacted";
      if (!isDone) throw error;
    }
    this.#feed.log.forgetBefore(revision);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#feed.close();
    this.#channel.close();
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new StorageError("Unavailable", "the store is closed");
    this.#feed.start();
  }

  async #range(
    request: {
      readonly prefix: string;
      readonly limit: number;
      readonly after: string | undefined;
      readonly revision: number | undefined;
    },
    signal: AbortSignal | undefined,
  ): Promise<ListPage> {
    const { prefix, limit, after, revision } = request;
    const response = await this.#channel.call(
      "range",
      {
        key: rangeStart(prefix, after),
        rangeEnd: rangeEnd(prefix),
        limit: limit,
        revision: revision ?? 0,
      },
      { signal, isRead: true },
    );
    const items = (response.kvs ?? []).map(itemOf);
    const remaining = (response.count ?? 0) - items.length;
    return { items, remaining, revision: revision ?? revisionIn(response) };
  }

  /**
   * Does `write` if the key is at `expected`; otherwise reads what is there, in the same moment.
   */
  async #guarded(
    key: string,
    expected: number,
    write: RequestOp,
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const response = await this.#channel.call(
      "txn",
      {
        compare: [{ target: CompareTarget.MOD, key, modRevision: expected }],
        success: [write],
        failure: [{ requestRange: { key } }],
      },
      { signal },
    );
    if (response.succeeded !== true) throw conflictError(key, expected, currentIn(response));
    return revisionIn(response);
  }
}

const revisionIn = ({ header }: { header?: { revision?: number } }): number =>
  header?.revision ?? 0;

const currentIn = ({ responses = [] }: TxnResponse): Versioned | undefined =>
  responses[0]?.responseRange?.kvs?.map(itemOf)[0];
