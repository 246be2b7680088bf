import type { QueuedPod } from "./queued-pod.ts";
import type { QueueEntry } from "./queue-entry.ts";

/** A heap of the pods that may be decided now; among equals, who came first. */
export class ActivePods {
  readonly #heap: QueueEntry[] = [];
  readonly #compare: (a: QueuedPod, b: QueuedPod) => number;
  #arrivals = 0;

  constructor(compare: (a: QueuedPod, b: QueuedPod) => number) {
    this.#compare = compare;
  }

  push(entry: QueueEntry): void {
    this.#arrivals += 1;
    entry.arrival = this.#arrivals;
    this.#heap.push(entry);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.#isBefore(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** The first one that is still active: others were taken out by changing their state. */
  pop(): QueueEntry | undefined {
    for (;;) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (first.state === "active") return first;
    }
  }

  #sink(): void {
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a] as QueueEntry, this.#heap[b] as QueueEntry];
    const order = this.#compare(one.pod, other.pod);
    return order !== 0 ? order < 0 : one.arrival < other.arrival;
  }

  #swap(a: number, b: number): void {
    const one = this.#heap[a] as QueueEntry;
    this.#heap[a] = this.#heap[b] as QueueEntry;
    this.#heap[b] = one;
  }
}
