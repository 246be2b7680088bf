import type { Clock } from "../base/clock.ts";
import { lifetimeOf } from "./response.ts";

/** At most 40 MB: what is larger than an entry may be is asked for again. */
const limits = { entriesMax: 10_000, responseBytesMax: 4_096, questionBytesMax: 300 } as const;
/** Whatever a record says, we ask again after this (and for failures at least so often). */
const ttlSecondsMax = 30;
const negativeTtlSeconds = 5;
const headerBytes = 12;

interface Entry {
  /** Our own copy: a Buffer's `slice` would be none. */
  readonly bytes: Uint8Array;
  readonly ttlOffsets: readonly number[];
  readonly from: number;
  readonly until: number;
}

/**
 * What must be equal for two queries to have one answer: all behind the id, options and the case
 * of the name too (clients check that it comes back). Undefined: too long to be kept.
 */
function keyOf(query: Uint8Array, over: "udp" | "tcp"): string | undefined {
  if (query.length > limits.questionBytesMax) return undefined;
  return (
    over + Buffer.from(query.buffer, query.byteOffset + 2, query.length - 2).toString("latin1")
  );
}

/** Answers of other servers, positive and negative, until they are out of date. */
export class AnswerCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The response to this query as if it came now: its id and question, TTLs counted down. */
  get(query: Uint8Array, over: "udp" | "tcp"): Uint8Array | undefined {
    const key = keyOf(query, over);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || entry === undefined) return undefined;
    const now = this.#clock.monotonic();
    if (entry.until <= now) {
      this.#entries.delete(key);
      return undefined;
    }
    const bytes = new Uint8Array(entry.bytes);
    bytes.set(query.subarray(0, 2));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const seconds = Math.floor((now - entry.from) / 1000);
    for (const at of entry.ttlOffsets)
      view.setUint32(at, Math.max(0, view.getUint32(at) - seconds));
    return bytes;
  }

  /** Keeps what another server answered to this query, if it may be kept. */
  put(query: Uint8Array, over: "udp" | "tcp", response: Uint8Array): void {
    const key = keyOf(query, over);
    const isTruncated = ((response[2] ?? 0) & 0x02) !== 0;
    const tooLarge = response.length > limits.responseBytesMax || response.length < headerBytes;
    const lifetime = isTruncated || tooLarge ? undefined : lifetimeOf(response);
    if (key === undefined || lifetime === undefined) return;
    const { isPositive, ttlOffsets, ttlSeconds = negativeTtlSeconds } = lifetime;
    const seconds = Math.min(ttlSeconds, isPositive ? ttlSecondsMax : negativeTtlSeconds);
    if (seconds <= 0) return;
    this.#entries.delete(key);
    if (this.#entries.size >= limits.entriesMax) {
      // The oldest entry leaves: a Map keeps the order in which keys came.
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    const from = this.#clock.monotonic();
    const until = from + seconds * 1000;
    this.#entries.set(key, { bytes: new Uint8Array(response), ttlOffsets, from, until });
  }
}
