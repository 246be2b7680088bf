import { writeSync } from "node:fs";
import type { Kernel } from "./kernel.ts";
import { closeQuietly } from "./process.ts";

/** A process that reads nothing gets no more than this kept for it. */
const pendingBytesMax = 4 * 1024 * 1024;

interface Piece {
  readonly data: Uint8Array;
  readonly taken: () => void;
}

/** Writes to a FIFO, pipe or terminal in order, as fast as it is read. Owns the descriptor. */
export class DescriptorWriter {
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly #pending: Piece[] = [];
  #pendingBytes = 0;
  #watch: Disposable | undefined;
  #state: "open" | "ending" | "closed" = "open";

  constructor(kernel: Kernel, fd: number) {
    this.#kernel = kernel;
    this.#fd = fd;
  }

  /**
   * Resolves when the kernel took the bytes, or nobody will ever read them. Rejects when the
   * reader lags too far behind.
   */
  write(data: Uint8Array): Promise<void> {
    if (this.#state !== "open" || data.length === 0) return Promise.resolve();
    if (this.#pendingBytes + data.length > pendingBytesMax) {
      return Promise.reject(new Error(`${this.#pendingBytes} bytes of input are unread`));
    }
    return new Promise((taken) => {
      this.#pending.push({ data: Uint8Array.from(data), taken });
      this.#pendingBytes += data.length;
      this.#flush();
    });
  }

  /** Closes once all is written. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#flush();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#watch?.[Symbol.dispose]();
    closeQuietly(this.#fd);
    for (const { taken } of this.#pending.splice(0)) taken();
  }

  #flush(): void {
    while (this.#state !== "closed") {
      const [first] = this.#pending;
      if (first === undefined) break;
      const written = writeNow(this.#fd, first.data);
      if (written === "later") {
        this.#watch ??= this.#kernel.onWritable(this.#fd, () => this.#flush());
        return;
      }
      if (written === "end") return this.close();
      this.#pendingBytes -= written;
      if (written === first.data.length) this.#pending.shift()?.taken();
      else this.#pending[0] = { ...first, data: first.data.subarray(written) };
    }
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    if (this.#state === "ending") this.close();
  }
}

function writeNow(fd: number, data: Uint8Array): number | "later" | "end" {
  try {
    return writeSync(fd, data);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EAGAIN") return "later";
    if (error.code === "EPIPE" || error.code === "EIO") return "end";
    throw error;
  }
}
