import { closeSync, openSync, readSync, writevSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly } from "../linux/process.ts";
import { logLines, type LogStream } from "./supervisor-log-plan.ts";

/** Read at a time; also what one turn of the event loop takes from one container at most. */
const chunkBytes = 64 * 1024;

export type OutputListener = (stream: 1 | 2, data: Uint8Array) => void;

/** The log file of one container. Absent: what is written is dropped. */
export class ContainerLog {
  readonly #path: string | undefined;
  readonly #clock: Clock;
  #fd: number | undefined;

  constructor(path: string | undefined, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
    this.reopen();
  }

  /** After the file was renamed: a new one takes its place. */
  reopen(): void {
    if (this.#path === undefined) return;
    const before = this.#fd;
    this.#fd = openSync(this.#path, "a", 0o640);
    if (before !== undefined) closeSync(before);
  }

  write(stream: LogStream, chunk: Uint8Array): void {
    if (this.#fd === undefined) return;
    writeAll(this.#fd, logLines(stream, chunk, this.#clock.now()));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** writev(2) takes 1024 pieces at most, and may write less than all on a full disk. */
function writeAll(fd: number, pieces: readonly Uint8Array[]): void {
  const piecesMax = 1023;
  for (let at = 0; at < pieces.length; at += piecesMax) {
    const some = pieces.slice(at, at + piecesMax);
    const bytes = some.reduce((sum, piece) => sum + piece.length, 0);
    const written = writevSync(fd, some);
    if (written < bytes) writevSync(fd, [Buffer.concat(some).subarray(written)]);
  }
}

/** Moves what comes out of one descriptor (FIFO or terminal) to the log and to who listens. */
export class OutputPump {
  readonly #fd: number;
  readonly #watch: Disposable;
  readonly #onData: (chunk: Uint8Array) => void;
  #isOpen = true;

  constructor(kernel: Kernel, fd: number, onData: (chunk: Uint8Array) => void) {
    this.#fd = fd;
    this.#onData = onData;
    this.#watch = kernel.onReadable(fd, () => void this.#read());
  }

  /** All that is there now: what a process wrote before it ended. */
  drain(): void {
    while (this.#isOpen && this.#read());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch[Symbol.dispose]();
    closeQuietly(this.#fd);
  }

  /** False when nothing is left for now, or for ever. */
  #read(): boolean {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const count = readNow(this.#fd, chunk);
    if (count === "later") return false;
    // EIO: the terminal's last process has gone.
    if (count === "end") this.close();
    else this.#onData(chunk.subarray(0, count));
    return count !== "end";
  }
}

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
