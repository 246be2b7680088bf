export interface OutputPiece {
  readonly stream: 1 | 2;
  readonly data: Uint8Array;
}

/** Beyond this the process waits until somebody reads. */
const queuedBytesMax = 1024 * 1024;

/** Output waiting for its one reader; tells when it is full and when there is room again. */
export class OutputQueue implements AsyncIterable<OutputPiece> {
  readonly #pieces: OutputPiece[] = [];
  readonly #onFull: (isFull: boolean) => void;
  #bytes = 0;
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(onFull: (isFull: boolean) => void) {
    this.#onFull = onFull;
  }

  push(piece: OutputPiece): void {
    const wasFull = this.#bytes >= queuedBytesMax;
    this.#pieces.push(piece);
    this.#bytes += piece.data.length;
    if (!wasFull && this.#bytes >= queuedBytesMax) this.#onFull(true);
    this.#wake?.();
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputPiece> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#take(piece.data.length);
        yield piece;
      } else if (this.#hasEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #take(bytes: number): void {
    const wasFull = this.#bytes >= queuedBytesMax;
    this.#bytes -= bytes;
    if (wasFull && this.#bytes < queuedBytesMax && !this.#hasEnded) this.#onFull(false);
  }
}
