import { readSync } from "node:fs";
import type { Kernel } from "./kernel.ts";
import { closeQuietly } from "./process.ts";

/** Read at a time; also what one turn of the event loop takes from one descriptor at most. */
const chunkBytes = 64 * 1024;

/** Hands on what comes out of a FIFO, pipe or terminal. Owns the descriptor and closes it. */
export class DescriptorReader {
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly #onData: (chunk: Uint8Array) => void;
  readonly #onEnd: () => void;
  #watch: Disposable | undefined;
  #isOpen = true;

  constructor(
    kernel: Kernel,
    fd: number,
    on: { readonly data: (chunk: Uint8Array) => void; readonly end?: () => void },
  ) {
    this.#kernel = kernel;
    this.#fd = fd;
    this.#onData = on.data;
    this.#onEnd = on.end ?? ((): void => undefined);
    this.resume();
  }

  /** Leaves what comes where it is, so that the writer waits. */
  pause(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  resume(): void {
    if (this.#isOpen) this.#watch ??= this.#kernel.onReadable(this.#fd, () => void this.#read());
  }

  /** All that is there now: what a process wrote before it ended. */
  drain(): void {
    while (this.#isOpen && this.#read());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.pause();
    closeQuietly(this.#fd);
    this.#onEnd();
  }

  /** False when nothing is left for now, or for ever. */
  #read(): boolean {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const count = readNow(this.#fd, chunk);
    if (count === "later") return false;
    if (count === "end") this.close();
    // A short piece is copied, so that a line does not hold a whole chunk in memory.
    else
      this.#onData(
        count < chunkBytes / 2 ? Buffer.from(chunk.subarray(0, count)) : chunk.subarray(0, count),
      );
    return count !== "end";
  }
}

/** EIO: the terminal's last process has gone. */
function readNow(fd: number, buffer: Buffer): number | "later" | "end" {
  try {
    return readSync(fd, buffer) || "end";
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EAGAIN" || error.code === "EINTR") return "later";
    if (error.code === "EIO") return "end";
    throw error;
  }
}
