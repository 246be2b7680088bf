import { closeSync, openSync, writevSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { logLines, type LogStream } from "./supervisor-log-plan.ts";

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
