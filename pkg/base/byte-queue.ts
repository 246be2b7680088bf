/**
 * Pieces of one stream on their way from a connection to its reader. The connection asks `isFull`,
 * and stops reading until `whenRoom`: bytes wait in the sender, not here.
 */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #bytesMax: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #hasEnded = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Pieces after the end are dropped: the reader has gone. */
  push(piece: Uint8Array): void {
    if (this.#hasEnded || piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#wakeReader?.();
  }
  end(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
    this.#release();
  }
  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax && !this.#hasEnded;
  }
  /** Resolves when the reader has caught up, or the queue has ended. */
  whenRoom(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => void this.#wakeWriters.push(resolve));
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const pieces = this.#pieces;
        this.#pieces = [];
        this.#bytes = 0;
        this.#release();
        yield* pieces;
        if (this.#pieces.length > 0) continue;
        if (this.#hasEnded) return;
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
        this.#wakeReader = undefined;
      }
    } finally {
      this.end();
    }
  }
  #release(): void {
    const waiting = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of waiting) wake();
  }
}
