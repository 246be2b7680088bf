/** The last events of one kind, bounded in number and bytes: what a watch can still start from. */
import type { Entry } from "./entry.ts";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

export interface CacheEvent {
  readonly type: ChangeType;
  readonly revision: number;
  /** As it is now; of a deletion, the last state with the deletion's revision. */
  readonly entry: Entry;
  readonly previous: Entry | undefined;
  /** `previous` with this event's revision: for watchers whose selector the object has left. */
  left: Entry | undefined;
  /** Bytes as watchers get them, by rendering and type: one for all, kept while it is sent. */
  frames: Map<string, Uint8Array> | undefined;
}

export interface RingLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

export class EventRing {
  readonly #limits: RingLimits;
  #events: CacheEvent[] = [];
  /** Events before this place were dropped; the array is cut when half of it is. */
  #start = 0;
  #bytes = 0;
  #floor: number;

  /** `floor`: the revision of the list that the events follow. */
  constructor(floor: number, limits: RingLimits) {
    this.#floor = floor;
    this.#limits = limits;
  }

  /** The oldest revision that `since` can start from. */
  get floor(): number {
    return this.#floor;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += event.entry.json.length;
    const { eventsMax, bytesMax } = this.#limits;
    while (this.#events.length - this.#start > eventsMax || this.#bytes > bytesMax) {
      if (this.#events.length - this.#start <= 1) break;
      this.#drop();
    }
  }

  #drop(): void {
    const oldest = this.#events[this.#start];
    if (oldest === undefined) return;
    this.#start++;
    this.#floor = oldest.revision;
    this.#bytes -= oldest.entry.json.length;
    if (this.#start > 64 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Events with a greater revision, oldest first; undefined: some of them are forgotten. */
  since(revision: number): readonly CacheEvent[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }
}
