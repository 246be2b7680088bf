import { compareKeys, lowerBound } from "./key-range.ts";

/** Inserting moves at most so many keys; a bucket that has more is split. */
const bucketKeysMax = 1_024;

/** Keys in byte order, in buckets, so that a write among many keys stays cheap. */
export class SortedKeys {
  /** None is empty, but for the only one of an empty set. */
  readonly #buckets: string[][] = [[]];

  /** The key must not be there. */
  add(key: string): void {
    const index = this.#bucketOf(key);
    const bucket = this.#buckets[index] ?? [];
    bucket.splice(lowerBound(bucket, key), 0, key);
    if (bucket.length > bucketKeysMax)
      this.#buckets.splice(index + 1, 0, bucket.splice(bucketKeysMax / 2));
  }

  /** The key must be there. */
  remove(key: string): void {
    const index = this.#bucketOf(key);
    const bucket = this.#buckets[index] ?? [];
    bucket.splice(lowerBound(bucket, key), 1);
    if (bucket.length === 0 && this.#buckets.length > 1) this.#buckets.splice(index, 1);
  }

  /** At most `limit` keys from `start` on and below `end`, and how many more there are. */
  range(start: string, end: string, limit: number): { keys: readonly string[]; more: number } {
    const keys: string[] = [];
    let more = 0;
    for (let index = this.#bucketOf(start); index < this.#buckets.length; index++) {
      const bucket = this.#buckets[index] ?? [];
      const first = lowerBound(bucket, start);
      const last = lowerBound(bucket, end);
      const taken = Math.max(0, Math.min(last - first, limit - keys.length));
      for (let at = first; at < first + taken; at++) keys.push(bucket[at] ?? "");
      more += Math.max(0, last - first) - taken;
      if (last < bucket.length) break;
    }
    return { keys, more };
  }

  /**
   * Index of the last bucket whose first key is not above `key`; the first one if there is none.
   */
  #bucketOf(key: string): number {
    let low = 0;
    let high = this.#buckets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (compareKeys(this.#buckets[middle]?.[0] ?? "", key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
