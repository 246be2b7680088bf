import type { Clock } from "../base/clock.ts";

const entriesMax = 10_000;
/** Whatever a record says, we ask again after this (and for failures at least so often). */
const ttlSecondsMax = 30;
const negativeTtlSeconds = 5;

interface Entry {
  readonly bytes: Uint8Array;
  readonly until: number;
}

/** Smallest TTL of a response's records; undefined where it cannot be read. */
function ttlOf(response: Uint8Array): number | undefined {
  const uint16 = (at: number): number => ((response[at] ?? 0) << 8) | (response[at + 1] ?? 0);
  const records = uint16(6) + uint16(8);
  if (((response[3] ?? 0) & 0x0f) !== 0 || uint16(6) === 0) return negativeTtlSeconds;
  const skipName = (start: number): number => {
    let at = start;
    for (; at < response.length; at += (response[at] ?? 0) + 1) {
      const length = response[at] ?? 0;
      if (length === 0) return at + 1;
      if ((length & 0xc0) === 0xc0) return at + 2;
    }
    return at;
  };
  let at = 12;
  for (let question = 0; question < uint16(4); question++) at = skipName(at) + 4;
  let least = ttlSecondsMax;
  for (let record = 0; record < records; record++) {
    at = skipName(at);
    if (at + 10 > response.length) return undefined;
    const ttl =
      (response[at + 4] ?? 0) * 2 ** 24 + ((response[at + 5] ?? 0) << 16) + uint16(at + 6);
    least = Math.min(least, ttl);
    at += 10 + uint16(at + 8);
  }
  return least;
}

/** Answers of other servers, positive and negative, until they are out of date. */
export class AnswerCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The response under the id of the query that is to be answered. */
  get(key: string, id: number): Uint8Array | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.until <= this.#clock.monotonic()) {
      this.#entries.delete(key);
      return undefined;
    }
    const bytes = entry.bytes.slice();
    bytes[0] = id >>> 8;
    bytes[1] = id & 0xff;
    return bytes;
  }

  put(key: string, response: Uint8Array): void {
    const isTruncated = ((response[2] ?? 0) & 0x02) !== 0;
    const ttl = ttlOf(response);
    if (isTruncated || ttl === undefined || ttl <= 0) return;
    if (this.#entries.size >= entriesMax) {
      // The oldest entry leaves: a Map keeps the order in which keys came.
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.delete(key);
    this.#entries.set(key, {
      bytes: response.slice(),
      until: this.#clock.monotonic() + ttl * 1000,
    });
  }
}
