/**
 * One watch of all keys feeds the log that every watcher reads. Each revision of etcd shows up in
 * it, those of other prefixes too, and so every event is a progress mark for every watcher: a
 * consistent read never has to ask etcd how far a quiet watch has come. (Asked-for progress marks
 * can overtake events in etcd before 3.4.25 and 3.5.8, and Debian 12 has 3.4.23.)
 */
import type { WatchResponse } from "../../api/etcd/v3.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { EtcdChannel } from "./etcd-channel.ts";
import { eventOf, rangeEnd } from "./etcd-events.ts";
import { EventLog, recentEvents } from "./event-log.ts";
import { StorageError, type StorageEvents } from "./storage.ts";

const limits = {
  /** etcd sends what it has within 100 ms; nothing for so long means that nothing will come. */
  historySilenceMs: 10_000,
  retryMsMin: 100,
  retryMsMax: 5_000,
} as const;

export interface EtcdFeedOptions {
  readonly channel: EtcdChannel;
  readonly clock: Clock;
  readonly logger: Logger;
}

const allKeys = { key: "\0", rangeEnd: rangeEnd("") } as const;

const newestIn = ({ header }: WatchResponse): number => header?.revision ?? 0;

/** Throws "Compacted" when the answer says so. */
function eventsOf({ canceled, compactRevision = 0, cancelReason, events = [] }: WatchResponse) {
  if (compactRevision > 0)
    throw new StorageError("Compacted", `history before revision ${compactRevision} is forgotten`);
  if (canceled === true)
    throw new StorageError("Unavailable", `etcd ended the watch: ${cancelReason ?? ""}`);
  return events.map(eventOf);
}

export class EtcdFeed {
  readonly log = new EventLog(0, recentEvents);
  readonly #options: EtcdFeedOptions;
  readonly #stop = new AbortController();
  #isStarted = false;

  constructor(options: EtcdFeedOptions) {
    this.#options = options;
  }

  /** Begins to follow etcd, if it did not yet. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#follow();
  }

  close(): void {
    this.#stop.abort(new StorageError("Unavailable", "the store is closed"));
    this.log.close();
  }

  /** Batches of one's own watch, for who needs what was before the log's beginning. */
  async *readHistory(prefix: string, cursor: number, until: number): AsyncIterable<StorageEvents> {
    const { clock } = this.#options;
    const silence = new AbortController();
    let alarm: Disposable | undefined;
    const listen = (): void => {
      alarm?.[Symbol.dispose]();
      const stale = new StorageError("Compacted", `no history from revision ${cursor} to ${until}`);
      alarm = clock.after(limits.historySilenceMs, () => silence.abort(stale));
    };
    try {
      listen();
      const signal = AbortSignal.any([this.#stop.signal, silence.signal]);
      for await (const response of this.#watch(cursor + 1, signal)) {
        listen();
        const events = eventsOf(response).filter(({ revision }) => revision <= until);
        // Only events move the cursor: the header's revision may be ahead of what is still to come.
        const last = (response.events ?? []).at(-1)?.kv?.modRevision;
        if (last === undefined) continue;
        const revision = Math.min(until, last);
        yield { events: events.filter(({ key }) => key.startsWith(prefix)), revision };
        if (revision >= until) return;
      }
    } finally {
      alarm?.[Symbol.dispose]();
    }
  }

  async #follow(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stop;
    let waitMs: number = limits.retryMsMin;
    while (!signal.aborted) {
      try {
        for await (const response of this.#watch(this.#nextRevision(), signal)) {
          this.#take(response);
          waitMs = limits.retryMsMin;
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof StorageError && error.reason === "Compacted") this.log.reset(0);
        // Nobody waits for this loop: what goes wrong in it can only be told here.
        logger.warn({ error, waitMs }, "etcd's watch broke, it is opened again");
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, limits.retryMsMax);
    }
  }

  /** 0 asks etcd to begin with what comes next. */
  #nextRevision(): number {
    return this.log.revision === 0 ? 0 : this.log.revision + 1;
  }

  #take(response: WatchResponse): void {
    const events = eventsOf(response);
    if (this.log.revision === 0) return this.log.reset(newestIn(response));
    const last = events.at(-1);
    if (last !== undefined) this.log.append(events, last.revision);
  }

  #watch(startRevision: number, signal: AbortSignal): AsyncIterable<WatchResponse> {
    const createRequest = { ...allKeys, startRevision };
    return this.#options.channel.watch({ createRequest }, signal);
  }
}
