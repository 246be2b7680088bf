/** Tar archives (POSIX ustar, with pax records for long names) as values and as bytes. Pure. */
export interface TarEntry {
  /** With slashes; a folder's without its last one. */
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
  readonly mode: number;
  readonly sizeBytes: number;
  readonly modifiedSeconds: number;
}

export const blockBytes = 512;
/** A name or another record of a header; no system's paths are longer. */
const recordsBytesMax = 64 * 1024;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const paddingOf = (sizeBytes: number): Uint8Array =>
  new Uint8Array((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
/** Two empty blocks end an archive. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * blockBytes);

function block(name: string, type: string, entry: Omit<TarEntry, "name" | "kind">): Uint8Array {
  const bytes = new Uint8Array(blockBytes);
  const text = (at: number, value: string): void => bytes.set(encoder.encode(value), at);
  const octal = (at: number, digits: number, value: number): void =>
    text(at, value.toString(8).padStart(digits, "0"));
  bytes.set(encoder.encode(name).subarray(0, 100), 0);
  octal(100, 7, entry.mode);
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, Math.min(entry.sizeBytes, 0o77777777777));
  octal(136, 11, Math.max(0, Math.trunc(entry.modifiedSeconds)));
  text(148, "        ");
  text(156, type);
  text(257, "ustar\u000000");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  octal(148, 6, sum);
  text(154, "\u0000 ");
  return bytes;
}

/** "27 path=a/long/name\n": its length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + 1;
  while (`${length}`.length + rest !== length) length = `${length}`.length + rest;
  return `${length} ${key}=${value}\n`;
}

/** What stands before an entry's content. */
export function tarHead(entry: TarEntry): Uint8Array {
  const isFolder = entry.kind === "folder";
  const name = isFolder ? `${entry.name}/` : entry.name;
  const isLong = encoder.encode(name).length > 100;
  const isLarge = entry.sizeBytes > 0o77777777777;
  const own = block(name, isFolder ? "5" : "0", entry);
  if (!isLong && !isLarge) return own;
  const records = encoder.encode(
    (isLong ? paxRecord("path", name) : "") +
      (isLarge ? paxRecord("size", `${entry.sizeBytes}`) : ""),
  );
  const head = block("pax", "x", { ...entry, mode: 0o644, sizeBytes: records.length });
  const parts = [head, records, paddingOf(records.length), own];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const textAt = (bytes: Uint8Array, at: number, length: number): string => {
  const field = bytes.subarray(at, at + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
};

/** Octal digits, or base 256 where the first bit is set (GNU). */
function numberAt(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return Number.parseInt(textAt(bytes, at, length).trim() || "0", 8);
  let value = first & 0x7f;
  for (const byte of bytes.subarray(at + 1, at + length)) value = value * 256 + byte;
  return value;
}

/** Cuts a stream into pieces as long as asked. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);
  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }
  /** What comes next, at most so many bytes; undefined at the end. */
  async some(bytesMax: number): Promise<Uint8Array | undefined> {
    while (this.#held.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done === true) return undefined;
      this.#held = value;
    }
    const piece = this.#held.subarray(0, bytesMax);
    this.#held = this.#held.subarray(piece.length);
    return piece;
  }
  /** Throws where the archive is cut short; undefined where it ends before the first byte. */
  async exactly(bytes: number): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(bytes);
    for (let at = 0; at < bytes;) {
      const piece = await this.some(bytes - at);
      if (piece === undefined) {
        if (at === 0) return undefined;
        throw new Error("the archive is cut short");
      }
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

export interface TarMember {
  readonly entry: TarEntry;
  /** What is not read of it is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

function parsePax(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [, key = "", value = ""] of text.matchAll(/\d+ ([^=]+)=([^\n]*)\n/g))
    found[key] = value;
  return found;
}

/** The members of an archive as they come. Throws where it is malformed or cut short. */
export async function* readTar(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const source = new Source(pieces);
  let records: Readonly<Record<string, string>> = {};
  for (;;) {
    const head = await source.exactly(blockBytes);
    if (head === undefined) return;
    if (head.every((byte) => byte === 0)) continue;
    const type = textAt(head, 156, 1);
    const sizeBytes = Number(records["size"] ?? numberAt(head, 124, 12));
    if (type === "x" || type === "g" || type === "L") {
      if (sizeBytes > recordsBytesMax) throw new Error("a header of the archive is too large");
      const text = decoder.decode(await source.exactly(sizeBytes));
      await source.exactly(paddingOf(sizeBytes).length);
      if (type === "L") records = { ...records, path: text.replace(/\0+$/, "") };
      else if (type === "x") records = { ...records, ...parsePax(text) };
      continue;
    }
    const prefix = textAt(head, 257, 6) === "ustar" ? textAt(head, 345, 155) : "";
    const plain = textAt(head, 0, 100);
    const name = records["path"] ?? (prefix === "" ? plain : `${prefix}/${plain}`);
    const isFile = type === "0" || type === "" || type === "7";
    records = {};
    let left = isFile ? sizeBytes : 0;
    const content = async function* (): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const piece = await source.some(left);
        if (piece === undefined) throw new Error("the archive is cut short");
        left -= piece.length;
        yield piece;
      }
    };
    const entry: TarEntry = {
      name: name.replace(/\/+$/, ""),
      kind: isFile ? "file" : type === "5" ? "folder" : "other",
      mode: numberAt(head, 100, 8),
      sizeBytes: left,
      modifiedSeconds: numberAt(head, 136, 12),
    };
    yield { entry, content: content() };
    for (const rest = content(); (await rest.next()).done !== true;);
    if (isFile) await source.exactly(paddingOf(sizeBytes).length);
  }
}
