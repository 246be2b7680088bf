import { writeSync } from "node:fs";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly } from "../linux/process.ts";

/** A container that reads nothing gets no more than this kept for it. */
const pendingBytesMax = 4 * 1024 * 1024;

/** Bytes to a FIFO or terminal, in order, as fast as the container reads them. */
export class InputPump {
  readonly #kernel: Kernel;
  readonly #fd: number;
  readonly #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #watch: Disposable | undefined;
  #state: "open" | "ending" | "closed" = "open";

  constructor(kernel: Kernel, fd: number) {
    this.#kernel = kernel;
    this.#fd = fd;
  }

  /** Throws when the container lags too far behind; drops what comes after the end. */
  write(data: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#pendingBytes + data.length > pendingBytesMax) {
      throw new Error(`the container left ${this.#pendingBytes} bytes of its input unread`);
    }
    this.#pending.push(Uint8Array.from(data));
    this.#pendingBytes += data.length;
    this.#flush();
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
  }

  #flush(): void {
    while (this.#state !== "closed") {
      const [first] = this.#pending;
      if (first === undefined) break;
      const written = writeNow(this.#fd, first);
      if (written === "later") {
        this.#watch ??= this.#kernel.onWritable(this.#fd, () => this.#flush());
        return;
      }
      if (written === "end") return this.close();
      this.#pendingBytes -= written;
      if (written === first.length) this.#pending.shift();
      else this.#pending[0] = first.subarray(written);
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
