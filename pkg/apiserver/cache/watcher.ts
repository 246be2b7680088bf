/**
 * One watch's way out: pieces of bytes in, a stream of chunks out. It holds no more than its bound;
 * past it the watch is ended once what it holds is sent, and the client resumes from there.
 */
import { limits } from "../limits.ts";

export class Watcher implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  #pieces: Uint8Array[] = [];
  /** What the watch begins with; each piece is made when it is about to be sent. */
  #first: Iterator<Uint8Array> | undefined;
  #events = 0;
  #bytes = 0;
  #isEnded = false;
  #wake: (() => void) | undefined;
  readonly #onEnd: (() => void)[] = [];
  readonly allowsBookmarks: boolean;

  constructor(allowsBookmarks: boolean) {
    this.allowsBookmarks = allowsBookmarks;
  }

  /** Called once, when the watch is over for whatever reason. */
  onEnd(callback: () => void): void {
    if (this.#isEnded) callback();
    else this.#onEnd.push(callback);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  /** What the watch begins with, before all that is pushed; it counts towards no bound. */
  begin(pieces: Iterable<Uint8Array>): void {
    this.#first = pieces[Symbol.iterator]();
    this.#signal();
  }

  push(piece: Uint8Array, events: number): void {
    if (this.#isEnded) return;
    const full =
      this.#events + events > Math.max(limits.watchBufferEventsMax, events) ||
      this.#bytes + piece.length > Math.max(limits.watchBufferBytesMax, piece.length);
    if (full) return this.end();
    this.#pieces.push(piece);
    this.#events += events;
    this.#bytes += piece.length;
    this.#signal();
  }

  /** Nothing more is accepted; what is held is still sent. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const callback of this.#onEnd) callback();
    this.#signal();
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const first = this.#takeFirst();
      if (first !== undefined) return { done: false, value: first };
      if (this.#pieces.length > 0) return { done: false, value: this.#take() };
      if (this.#isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The reader has gone. */
  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#pieces = [];
    this.#first = undefined;
    this.end();
    return { done: true, value: undefined };
  }

  #takeFirst(): Uint8Array | undefined {
    const taken: Uint8Array[] = [];
    let bytes = 0;
    while (this.#first !== undefined && bytes < limits.watchChunkBytes) {
      const { done, value } = this.#first.next();
      if (done === true) this.#first = undefined;
      else {
        taken.push(value);
        bytes += value.length;
      }
    }
    return taken.length === 0 ? undefined : Buffer.concat(taken, bytes);
  }

  /** Coalesces: many small events leave in one write. */
  #take(): Uint8Array {
    const pieces = this.#pieces;
    let count = 0;
    let bytes = 0;
    while (count < pieces.length && (count === 0 || bytes < limits.watchChunkBytes)) {
      bytes += pieces[count]?.length ?? 0;
      count++;
    }
    const taken = count === pieces.length ? pieces : pieces.slice(0, count);
    this.#pieces = count === pieces.length ? [] : pieces.slice(count);
    if (this.#pieces.length === 0) {
      this.#events = 0;
      this.#bytes = 0;
    }
    return taken.length === 1 ? (taken[0] as Uint8Array) : Buffer.concat(taken, bytes);
  }

  #signal(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
