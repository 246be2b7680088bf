import { watch, type FSWatcher } from "node:fs";
import { open, readdir, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { parseLogLine, showLogLine, type LogView } from "./log-line.ts";

export interface LogRequest extends LogView {
  /** Waits for more until `ended` aborts. */
  readonly follow: boolean;
  /** Absent: from the beginning. */
  readonly tailLines?: number;
  /** Absent: no limit. */
  readonly limitBytes?: number;
}

const chunkBytes = 64 * 1024;
/** A line longer than this is handed out in pieces: nothing is buffered without bound. */
const lineBytesMax = 1024 * 1024;

/** Rotated files of a log, oldest first, and then the log itself: 0.log.20260102-030405, 0.log. */
export async function logFiles(path: string): Promise<readonly string[]> {
  const name = basename(path);
  const rotated = (await readdir(dirname(path)).catch(() => []))
    .filter((entry) => entry.startsWith(`${name}.`) && !entry.endsWith(".tmp"))
    .toSorted();
  return [...rotated.map((entry) => join(dirname(path), entry)), path];
}

/**
 * A container's log as its reader asked for it. Ends at the end of the log, or with `follow` when
 * `ended` aborts (the container has exited) and all is read, or when `signal` aborts (the reader
 * has gone). Rotation while following is noticed and followed.
 */
export async function* readLog(
  path: string,
  request: LogRequest,
  ended: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const start = await startOf(path, request.tailLines);
  let left = request.limitBytes ?? Number.POSITIVE_INFINITY;
  for await (const line of lines(path, start, { ...request, ended, signal })) {
    const parsed = parseLogLine(line);
    if (parsed === undefined) continue;
    const shown = Buffer.concat(showLogLine(parsed, request));
    if (shown.length === 0) continue;
    yield shown.subarray(0, Math.min(left, shown.length));
    left -= shown.length;
    if (left <= 0) return;
  }
}

interface Position {
  readonly file: string;
  readonly offset: number;
}

/** Where the last `tailLines` lines begin, looking back through rotated files. */
async function startOf(path: string, tailLines: number | undefined): Promise<Position> {
  const files = await logFiles(path);
  if (tailLines === undefined) return { file: files[0] ?? path, offset: 0 };
  let missing = tailLines;
  let position: Position | undefined;
  for (const file of files.toReversed()) {
    const found = await tailOf(file, missing);
    position = { file, offset: found.offset };
    missing -= found.lines;
    if (missing <= 0) break;
  }
  return position ?? { file: path, offset: 0 };
}

/** Offset of the last `wanted` lines of one file, and how many there were. */
async function tailOf(file: string, wanted: number): Promise<{ offset: number; lines: number }> {
  await using handle = await open(file, "r").catch(() => undefined);
  if (handle === undefined) return { offset: 0, lines: 0 };
  const { size } = await handle.stat();
  if (wanted <= 0) return { offset: size, lines: 0 };
  const buffer = Buffer.alloc(chunkBytes);
  let lines = 0;
  for (let end = size; end > 0; end -= Math.min(end, chunkBytes)) {
    const from = Math.max(0, end - chunkBytes);
    const { bytesRead } = await handle.read(buffer, 0, end - from, from);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      if (buffer[at] !== 0x0a || from + at === size - 1) continue;
      lines += 1;
      if (lines === wanted) return { offset: from + at + 1, lines };
    }
  }
  return { offset: 0, lines: size === 0 ? 0 : lines + 1 };
}

interface Following {
  readonly follow: boolean;
  readonly ended: AbortSignal;
  readonly signal: AbortSignal;
}

/** Whole lines from a position on, through rotated files up to the newest one. */
async function* lines(
  path: string,
  start: Position,
  following: Following,
): AsyncGenerator<Uint8Array> {
  const files = await logFiles(path);
  const older = files.slice(files.indexOf(start.file), -1);
  for (const file of older) {
    await using handle = await open(file, "r").catch(() => undefined);
    if (handle === undefined) continue;
    yield* new LineReader(handle, file === start.file ? start.offset : 0).rest();
  }
  yield* newest(path, start.file === path ? start.offset : 0, following);
}

/** The log that is being written: to its end, or on and on. */
async function* newest(
  path: string,
  offset: number,
  { follow, ended, signal }: Following,
): AsyncGenerator<Uint8Array> {
  using changes = new DirectoryChanges(dirname(path), follow, [ended, signal]);
  let from = offset;
  while (!signal.aborted) {
    const handle = await open(path, "r").catch(() => undefined);
    if (handle === undefined) {
      if (!follow || ended.aborted) return;
      await changes.next();
      continue;
    }
    try {
      const reader = new LineReader(handle, from);
      from = 0;
      let rotated = false;
      while (!signal.aborted && !rotated) {
        // Asked before reading: what is written in between is then read in the next round.
        const over = !follow || ended.aborted;
        const wasRotated = await isRotated(handle, path);
        yield* reader.rest();
        if (over) return;
        rotated = wasRotated;
        if (!rotated) await changes.next();
      }
    } finally {
      await handle.close();
    }
  }
}

/** Whether another file has taken the path. Between rename and reopening there is none: not yet. */
async function isRotated(handle: FileHandle, path: string): Promise<boolean> {
  const now = await stat(path).catch(() => undefined);
  return now !== undefined && now.ino !== (await handle.stat()).ino;
}

/** Cuts what a file has into lines; keeps the unfinished last one for the next call. */
class LineReader {
  readonly #handle: FileHandle;
  #offset: number;
  #pending: Uint8Array = new Uint8Array();

  constructor(handle: FileHandle, offset: number) {
    this.#handle = handle;
    this.#offset = offset;
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const buffer = Buffer.alloc(chunkBytes);
      const { bytesRead } = await this.#handle.read(buffer, 0, chunkBytes, this.#offset);
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      yield* this.#cut(buffer.subarray(0, bytesRead));
    }
  }

  *#cut(chunk: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
      const piece = chunk.subarray(from, end);
      yield this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
      this.#pending = new Uint8Array();
      from = end + 1;
    }
    if (from === chunk.length) return;
    this.#pending = Buffer.concat([this.#pending, chunk.subarray(from)]);
    if (this.#pending.length > lineBytesMax) {
      yield this.#pending;
      this.#pending = new Uint8Array();
    }
  }
}

/** Wakes when anything in a folder changes, or when one of the signals aborts. */
class DirectoryChanges implements Disposable {
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;
  readonly #signals: readonly AbortSignal[];

  constructor(folder: string, active: boolean, signals: readonly AbortSignal[]) {
    this.#signals = signals;
    if (!active) return;
    this.#watcher = watch(folder, { persistent: false }, this.#note);
    this.#watcher.on("error", this.#note);
    for (const signal of signals) signal.addEventListener("abort", this.#note, { once: true });
  }

  readonly #note = (): void => {
    this.#changed = true;
    this.#wake?.();
  };

  async next(): Promise<void> {
    if (!this.#changed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    this.#changed = false;
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#note);
  }
}
