/**
 * Tar, as a state machine: bytes in, events out, in pieces of any size. It understands ustar, pax
 * (with global headers), GNU long names and sparse files of GNU (old) and pax 0.1 and 1.0. It
 * judges no path: that is the unpacker's business. Pure.
 */
import { tarBlockBytes, tarPaddingBytes, type TarEntry, type TarType } from "./tar-entry.ts";
import { isZeroBlock, parseTarHeader, TarError, tarNumber, type RawHeader } from "./tar-header.ts";
import { parsePax, paxNumber, paxText, paxXattrs, type PaxRecords } from "./tar-pax.ts";
import { checkSegments, gnuSegments, pairs, paxSparse, type Segment } from "./tar-sparse.ts";

export type TarEvent =
  | { readonly is: "entry"; readonly entry: TarEntry }
  /** A piece of the last entry's content; gaps between pieces are holes. */
  | { readonly is: "data"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly is: "end" };

/** A pax header or long name beyond this is an attack: Linux paths end at 4 KiB. */
export const metaBytesMax = 1024 * 1024;

const types: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
};

const noRecords: PaxRecords = new Map();

interface Gathering {
  readonly bytes: number;
  readonly next: (gathered: Buffer) => void;
}

export class TarParser {
  #events: TarEvent[] = [];
  #gathering: Gathering | undefined;
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;
  #segments: Segment[] = [];
  #segmentDone = 0;
  #skip = 0;
  #isInEntry = false;
  #isDone = false;
  #global: PaxRecords = noRecords;
  #local: PaxRecords = noRecords;
  #longName: string | undefined;
  #longLink: string | undefined;

  constructor() {
    this.#awaitHeader();
  }

  /** Throws TarError; the parser is of no use afterwards. Data events are views of `chunk`. */
  push(chunk: Uint8Array): readonly TarEvent[] {
    this.#events = [];
    let at = 0;
    while (at < chunk.length && !this.#isDone) at += this.#consume(chunk.subarray(at));
    return this.#events;
  }

  /** Throws when the archive stops within an entry. Missing end-of-archive blocks are forgiven. */
  end(): void {
    if (this.#isDone || (!this.#isInEntry && this.#piecesBytes === 0 && this.#skip === 0)) return;
    throw new TarError("archive is cut short");
  }

  #consume(chunk: Uint8Array): number {
    if (this.#gathering !== undefined) return this.#gather(chunk, this.#gathering);
    const segment = this.#segments[0];
    if (segment !== undefined) return this.#emitData(chunk, segment);
    const taken = Math.min(this.#skip, chunk.length);
    this.#skip -= taken;
    if (this.#skip === 0) this.#awaitHeader();
    return taken;
  }

  #gather(chunk: Uint8Array, { bytes, next }: Gathering): number {
    const piece = chunk.subarray(0, bytes - this.#piecesBytes);
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
    if (this.#piecesBytes === bytes) {
      const gathered = Buffer.concat(this.#pieces);
      this.#want(undefined);
      next(gathered);
    }
    return piece.length;
  }

  #want(gathering: Gathering | undefined): void {
    this.#gathering = gathering;
    this.#pieces = [];
    this.#piecesBytes = 0;
  }

  #awaitHeader(): void {
    this.#want({ bytes: tarBlockBytes, next: (block) => this.#header(block) });
  }

  #emitData(chunk: Uint8Array, segment: Segment): number {
    const bytes = chunk.subarray(0, segment.size - this.#segmentDone);
    this.#events.push({ is: "data", offset: segment.offset + this.#segmentDone, bytes });
    this.#segmentDone += bytes.length;
    if (this.#segmentDone === segment.size) this.#nextSegment();
    return bytes.length;
  }

  #nextSegment(): void {
    this.#segments.shift();
    this.#segmentDone = 0;
    if (this.#segments.length === 0) this.#endEntry();
  }

  #endEntry(): void {
    this.#events.push({ is: "end" });
    this.#isInEntry = false;
    if (this.#skip === 0) this.#awaitHeader();
  }

  #header(block: Buffer): void {
    if (isZeroBlock(block)) {
      this.#isDone = true;
      return;
    }
    const raw = parseTarHeader(block);
    const meta = this.#metaReader(raw.flag);
    if (meta === undefined) return this.#entry(raw, block);
    if (raw.size > metaBytesMax) throw new TarError(`header of ${raw.size} bytes is too large`);
    this.#isInEntry = true;
    const padded = raw.size + tarPaddingBytes(raw.size);
    const read = (body: Buffer): void => {
      meta(body.subarray(0, raw.size));
      this.#awaitHeader();
    };
    if (padded === 0) return read(Buffer.alloc(0));
    this.#want({ bytes: padded, next: read });
  }

  #metaReader(flag: string): ((body: Buffer) => void) | undefined {
    const text = (body: Buffer): string => body.toString("utf8").replace(/\0[^]*$/, "");
    if (flag === "x") return (body) => void (this.#local = parsePax(body));
    if (flag === "g") return (body) => void (this.#global = parsePax(body));
    if (flag === "L") return (body) => void (this.#longName = text(body));
    if (flag === "K") return (body) => void (this.#longLink = text(body));
    return undefined;
  }

  #entry(raw: RawHeader, block: Buffer): void {
    const records = new Map([...this.#global, ...this.#local]);
    const type = typeOf(raw);
    const names = { path: this.#longName, linkPath: this.#longLink };
    const entry = entryOf(raw, type, records, names);
    const archived = type === "file" ? (paxNumber(records, "size") ?? raw.size) : 0;
    if (!Number.isSafeInteger(archived) || archived < 0) throw new TarError("bad size");
    this.#local = noRecords;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#isInEntry = true;
    const sparse = type === "file" ? paxSparse(records) : undefined;
    if (raw.flag === "S") return this.#gnuSparse(raw, block, entry);
    if (sparse?.map === "header") return this.#begin(entry, sparse.segments, archived);
    if (sparse?.map === "content") return this.#paxSparseMap(entry, archived);
    this.#begin(entry, archived === 0 ? [] : [{ offset: 0, size: archived }], archived);
  }

  /** Announces the entry; the content's `segments` follow, `archived` bytes in all. */
  #begin(entry: TarEntry, segments: readonly Segment[], archived: number): void {
    checkSegments(segments, entry.size);
    const total = segments.reduce((sum, { size }) => sum + size, 0);
    if (total !== archived) throw new TarError(`sparse map covers ${total} of ${archived} bytes`);
    this.#events.push({ is: "entry", entry });
    this.#segments = segments.filter(({ size }) => size > 0);
    this.#skip = tarPaddingBytes(archived);
    if (this.#segments.length === 0) this.#endEntry();
  }

  /** Old GNU: four pairs in the header, then blocks of 21 pairs while a flag says so. */
  #gnuSparse(raw: RawHeader, block: Buffer, entry: TarEntry): void {
    const found = [...gnuSegments(block, 386, 4)];
    const sized = { ...entry, size: tarNumber(block, 483, 12) };
    const more = (extension: Buffer): void => {
      found.push(...gnuSegments(extension, 0, 21));
      if (extension[504] === 0) this.#begin(sized, found, raw.size);
      else this.#want({ bytes: tarBlockBytes, next: more });
    };
    if (block[482] === 0) this.#begin(sized, found, raw.size);
    else this.#want({ bytes: tarBlockBytes, next: more });
  }

  /** Pax 1.0: decimal numbers, one a line, count first, padded to whole blocks. */
  #paxSparseMap(entry: TarEntry, archived: number): void {
    let text = "";
    let blocks = 0;
    const more = (block: Buffer): void => {
      text += block.toString("latin1");
      blocks++;
      const lines = text.split("\n");
      const count = Number(lines[0]);
      if (!/^[0-9]+\n/.test(text) || text.length > metaBytesMax) {
        throw new TarError("bad sparse map");
      }
      if (lines.length - 1 < 1 + count * 2) {
        return this.#want({ bytes: tarBlockBytes, next: more });
      }
      const segments = pairs(lines.slice(1, 1 + count * 2).map(Number));
      this.#begin(entry, segments, archived - blocks * tarBlockBytes);
    };
    this.#want({ bytes: tarBlockBytes, next: more });
  }
}

function typeOf(raw: RawHeader): TarType {
  const type = types[raw.flag];
  if (type === undefined) throw new TarError(`unknown entry type ${JSON.stringify(raw.flag)}`);
  // Before ustar a directory was a file whose name ends in a slash.
  return raw.flag === "\0" && raw.path.endsWith("/") ? "directory" : type;
}

function entryOf(
  raw: RawHeader,
  type: TarType,
  records: PaxRecords,
  names: { readonly path: string | undefined; readonly linkPath: string | undefined },
): TarEntry {
  const sparseSize = paxNumber(records, "GNU.sparse.realsize");
  const size = sparseSize ?? paxNumber(records, "GNU.sparse.size") ?? paxNumber(records, "size");
  const sparseName = paxText(records, "GNU.sparse.name");
  return {
    path: sparseName ?? paxText(records, "path") ?? names.path ?? raw.path,
    type,
    mode: raw.mode & 0o7777,
    uid: paxNumber(records, "uid") ?? raw.uid,
    gid: paxNumber(records, "gid") ?? raw.gid,
    size: type === "file" ? (size ?? raw.size) : 0,
    mtime: paxNumber(records, "mtime") ?? raw.mtime,
    linkPath: paxText(records, "linkpath") ?? names.linkPath ?? raw.linkPath,
    deviceMajor: raw.deviceMajor,
    deviceMinor: raw.deviceMinor,
    xattrs: paxXattrs(records),
  };
}
