/**
 * Header lists of HTTP/2 as bytes (HPACK, RFC 7541). A connection's every list is the same but for
 * a path: both sides put their headers into a table once, and a list is then a few octets.
 */
import { decodeHuffman } from "./huffman.ts";

export type Header = readonly [name: string, value: string];

export class HpackError extends Error {
  override readonly name = "HpackError";
}

/** What both sides' tables hold unless a SETTINGS frame says otherwise. */
export const tableBytesDefault = 4_096;
/** RFC 7541 counts so much for an entry beside its text. */
const entryOverheadBytes = 32;

const staticTable: readonly Header[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  ...["200", "204", "206", "304", "400", "404", "500"].map((code): Header => [":status", code]),
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...`accept-language accept-ranges accept access-control-allow-origin age allow authorization
    cache-control content-disposition content-encoding content-language content-length
    content-location content-range content-type cookie date etag expect expires from host if-match
    if-modified-since if-none-match if-range if-unmodified-since last-modified link location
    max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after server
    set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate`
    .split(/\s+/)
    .map((name): Header => [name, ""]),
];
/** The dynamic table's indexes begin after the static one's, which begin at 1. */
const dynamicIndex = staticTable.length + 1;

const sizeOf = ([name, value]: Header): number => name.length + value.length + entryOverheadBytes;

/** Reads the header blocks of one connection, in their order. */
export class HeaderDecoder {
  /** Newest first. */
  #table: Header[] = [];
  #tableBytes = 0;
  #tableBytesMax = tableBytesDefault;
  #block: Uint8Array = new Uint8Array();
  #at = 0;

  /** Throws HpackError or HuffmanError; the connection's state is lost then. */
  decode(block: Uint8Array): Header[] {
    this.#block = block;
    this.#at = 0;
    const headers: Header[] = [];
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if (first >= 0x80) headers.push(this.#entry(this.#integer(7)));
      else if (first >= 0x40) {
        const header = this.#literal(6);
        this.#insert(header);
        headers.push(header);
      } else if (first >= 0x20) this.#resize(this.#integer(5));
      else headers.push(this.#literal(4));
    }
    return headers;
  }

  #entry(index: number): Header {
    const header =
      index < dynamicIndex ? staticTable[index - 1] : this.#table[index - dynamicIndex];
    if (header === undefined) throw new HpackError(`no header has the index ${index}`);
    return header;
  }

  #literal(prefixBits: number): Header {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.#octet() & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const octet = this.#octet();
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) return value;
    }
    throw new HpackError("an integer is too large");
  }

  #octet(): number {
    const octet = this.#block[this.#at++];
    if (octet === undefined) throw new HpackError("a header block ends too early");
    return octet;
  }

  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new HpackError("a header block ends too early");
    this.#at += length;
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }

  #insert(header: Header): void {
    this.#table.unshift(header);
    this.#tableBytes += sizeOf(header);
    this.#evict();
  }

  #resize(bytes: number): void {
    if (bytes > tableBytesDefault) throw new HpackError(`a table of ${bytes} bytes`);
    this.#tableBytesMax = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableBytesMax) {
      const oldest = this.#table.pop();
      if (oldest === undefined) return;
      this.#tableBytes -= sizeOf(oldest);
    }
  }
}

function integer(first: number, prefixBits: number, value: number): number[] {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return [first | value];
  const octets = [first | mask];
  let rest = value - mask;
  for (; rest >= 0x80; rest >>>= 7) octets.push((rest & 0x7f) | 0x80);
  octets.push(rest);
  return octets;
}

const text = (value: string): number[] => {
  const bytes = Buffer.from(value, "latin1");
  return [...integer(0, 7, bytes.length), ...bytes];
};

/**
 * Writes the header blocks of one connection. Meant for lists that come again and again: each
 * header enters the table once, and none is ever put out of it.
 */
export class HeaderEncoder {
  /** Oldest first. */
  #table: Header[] = [];
  #tableBytes = 0;
  #tableBytesMax = tableBytesDefault;
  /** A smaller table must be announced before the next block. */
  #mustResize = false;
  /** Blocks that leave the table as it is, by their list. */
  readonly #ready = new Map<readonly Header[], Buffer>();

  /** `headers` is one of a few lists, which are told apart by identity. */
  encode(headers: readonly Header[]): Buffer {
    const ready = this.#ready.get(headers);
    if (ready !== undefined) return ready;
    const inserted = this.#table.length;
    const announced = this.#mustResize ? integer(0x20, 5, 0) : [];
    this.#mustResize = false;
    const block = Buffer.from([...announced, ...headers.flatMap((one) => this.#field(one))]);
    if (this.#table.length > inserted) this.#ready.clear();
    else if (announced.length === 0) this.#ready.set(headers, block);
    return block;
  }

  /** What the other side's SETTINGS allow. Where that is less than usual, no table is used. */
  limitTable(bytes: number): void {
    if (bytes >= tableBytesDefault || this.#tableBytesMax === 0) return;
    this.#table = [];
    this.#tableBytes = 0;
    this.#tableBytesMax = 0;
    this.#mustResize = true;
    this.#ready.clear();
  }

  #field(header: Header): number[] {
    const [name, value] = header;
    const known = staticTable.findIndex((one) => one[0] === name && one[1] === value);
    if (known >= 0) return integer(0x80, 7, known + 1);
    const own = this.#table.findIndex((one) => one[0] === name && one[1] === value);
    if (own >= 0) return integer(0x80, 7, dynamicIndex + this.#table.length - 1 - own);
    const fits = this.#tableBytes + sizeOf(header) <= this.#tableBytesMax;
    const named = staticTable.findIndex((one) => one[0] === name) + 1;
    const first = fits ? integer(0x40, 6, named) : integer(0, 4, named);
    if (fits) {
      this.#table.push(header);
      this.#tableBytes += sizeOf(header);
    }
    return [...first, ...(named === 0 ? text(name) : []), ...text(value)];
  }
}
