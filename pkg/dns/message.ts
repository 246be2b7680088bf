/**
 * DNS messages as values and bytes (RFC 1035, EDNS of RFC 6891): queries are taken apart, answers
 * put together with compressed names. Pure. Names are lower case, without the last dot.
 */
export const recordType = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  txt: 16,
  aaaa: 28,
  srv: 33,
  opt: 41,
  any: 255,
} as const;
export const responseCode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  noSuchName: 3,
  notImplemented: 4,
  refused: 5,
  /** Needs EDNS: its upper bits stand in the OPT record. */
  badVersion: 16,
} as const;
const classInternet = 1;

export interface Query {
  readonly id: number;
  /** What the answer repeats of the query's flags: opcode, and whether recursion is desired. */
  readonly repeatedFlags: number;
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** The question's bytes as they came: an answer repeats them, upper case and all. */
  readonly question: Uint8Array;
  /** Largest answer that the client takes over UDP; 512 without EDNS. */
  readonly payloadBytesMax: number;
  readonly hasEdns: boolean;
  /** Of EDNS; we know 0 only. */
  readonly ednsVersion: number;
}

export type RecordData =
  | { readonly type: "A"; readonly address: string }
  /** 16 bytes, as another server gave them. */
  | { readonly type: "AAAA"; readonly address: Uint8Array }
  | { readonly type: "CNAME" | "PTR" | "NS"; readonly target: string }
  | {
      readonly type: "SRV";
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: "TXT"; readonly text: string }
  | { readonly type: "SOA"; readonly serial: number; readonly minimumTtlSeconds: number };

export interface DnsRecord {
  readonly name: string;
  readonly ttlSeconds: number;
  readonly data: RecordData;
}

export interface Answer {
  readonly code: number;
  /** We are the authority for the name. */
  readonly authoritative: boolean;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  readonly additional: readonly DnsRecord[];
}

/** A query that cannot be read; `id` when at least the header could be. */
export class MessageError extends Error {
  override readonly name = "MessageError";
  readonly id: number | undefined;
  constructor(message: string, id?: number) {
    super(message);
    this.id = id;
  }
}

const headerBytes = 12;
const nameBytesMax = 255;
const plainPayloadBytes = 512;
/**
 * Larger datagrams are cut into fragments on ordinary links, and those are lost (DNS flag day
 * 2020).
 */
const ednsPayloadBytesMax = 1232;

/**
 * Characters of names by their byte. A dot within a label is another character than that between
 * labels: whoever asks for the one label "web.default" does not ask for web in default.
 */
const lowerCase: readonly string[] = Array.from({ length: 256 }, (_, code) =>
  code === 0x2e ? "\uff0e" : String.fromCharCode(code >= 65 && code <= 90 ? code + 32 : code),
);

function readName(
  bytes: Uint8Array,
  start: number,
  id: number,
): { readonly name: string; readonly end: number } {
  let at = start;
  let name = "";
  for (;;) {
    const length = bytes[at];
    if (length === undefined || at - start > nameBytesMax)
      throw new MessageError("the name does not end", id);
    at++;
    if (length === 0) break;
    // A question's name is never compressed: there is nothing before it to point to.
    if (length > 63 || at + length > bytes.length)
      throw new MessageError("a label is too long", id);
    let label = "";
    const labelEnd = at + length;
    for (; at < labelEnd; at++) {
      label += lowerCase[bytes[at] ?? 0] ?? "";
    }
    name = name === "" ? label : `${name}.${label}`;
  }
  return { name, end: at };
}

const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Throws MessageError on anything but one well-formed question. */
export function decodeQuery(bytes: Uint8Array): Query {
  if (bytes.length < headerBytes) throw new MessageError("shorter than a header");
  const id = uint16(bytes, 0);
  const flags = uint16(bytes, 2);
  if ((flags & 0x8000) !== 0) throw new MessageError("an answer, not a query");
  if (uint16(bytes, 4) !== 1) throw new MessageError("one question is expected", id);
  const { name, end } = readName(bytes, headerBytes, id);
  if (end + 4 > bytes.length) throw new MessageError("the question is cut off", id);
  const afterQuestion = end + 4;
  const records = uint16(bytes, 6) + uint16(bytes, 8);
  // An OPT record is alone behind a query: root name (one zero), type, payload size.
  const isOpt =
    records === 0 &&
    uint16(bytes, 10) > 0 &&
    bytes[afterQuestion] === 0 &&
    uint16(bytes, afterQuestion + 1) === recordType.opt;
  const offered = isOpt ? uint16(bytes, afterQuestion + 3) : plainPayloadBytes;
  return {
    id,
    repeatedFlags: flags & 0x7900,
    name,
    type: uint16(bytes, end),
    class: uint16(bytes, end + 2),
    question: bytes.slice(headerBytes, afterQuestion),
    payloadBytesMax: Math.min(Math.max(offered, plainPayloadBytes), ednsPayloadBytesMax),
    hasEdns: isOpt,
    ednsVersion: isOpt ? (bytes[afterQuestion + 6] ?? 0) : 0,
  };
}

/** The number by which a record's type goes over the wire. */
export const typeNumber: Readonly<Record<RecordData["type"], number>> = {
  A: recordType.a,
  AAAA: recordType.aaaa,
  CNAME: recordType.cname,
  PTR: recordType.ptr,
  NS: recordType.ns,
  SRV: recordType.srv,
  TXT: recordType.txt,
  SOA: recordType.soa,
};

/** Grows as it is written; remembers where names stand, to point back to them. */
class Writer {
  #bytes = new Uint8Array(512);
  #length = 0;
  readonly #names = new Map<string, number>();

  get length(): number {
    return this.#length;
  }
  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
  uint8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }
  uint16(value: number): void {
    this.uint8(value >>> 8);
    this.uint8(value & 0xff);
  }
  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value & 0xffff);
  }
  raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }
  setUint16(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value & 0xff;
  }
  name(name: string): void {
    this.#name(name, true);
  }
  /** Without pointers, where RFC 3597, 4, wants none: resolvers refuse them in SRV. */
  wholeName(name: string): void {
    this.#name(name, false);
  }
  #name(name: string, mayPoint: boolean): void {
    for (let rest = name; rest !== "";) {
      const known = mayPoint ? this.#names.get(rest) : undefined;
      if (known !== undefined) return this.uint16(0xc000 | known);
      if (this.#length < 0x3fff) this.#names.set(rest, this.#length);
      const dot = rest.indexOf(".");
      const label = dot < 0 ? rest : rest.slice(0, dot);
      this.uint8(label.length);
      for (let at = 0; at < label.length; at++) this.uint8(label.charCodeAt(at) & 0xff);
      rest = dot < 0 ? "" : rest.slice(dot + 1);
    }
    this.uint8(0);
  }
  /** The question's own name, so that answers point to it. */
  noteName(name: string, at: number): void {
    for (let rest = name, from = at; rest !== "";) {
      this.#names.set(rest, from);
      const dot = rest.indexOf(".");
      if (dot < 0) break;
      from += dot + 1;
      rest = rest.slice(dot + 1);
    }
  }
  cutTo(length: number): void {
    this.#length = length;
  }
  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

function writeData(writer: Writer, zone: string, data: RecordData): void {
  switch (data.type) {
    case "A":
      for (const part of data.address.split(".")) writer.uint8(Number(part));
      return;
    case "AAAA":
      return writer.raw(data.address);
    case "CNAME":
    case "PTR":
    case "NS":
      return writer.name(data.target);
    case "SRV":
      writer.uint16(data.priority);
      writer.uint16(data.weight);
      writer.uint16(data.port);
      return writer.wholeName(data.target);
    case "TXT":
      writer.uint8(data.text.length);
      return writer.raw(new TextEncoder().encode(data.text));
    case "SOA":
      writer.name(`ns.dns.${zone}`);
      writer.name(`hostmaster.${zone}`);
      for (const value of [data.serial, 7_200, 1_800, 86_400, data.minimumTtlSeconds])
        writer.uint32(value);
  }
}

function writeRecord(writer: Writer, { name, ttlSeconds, data }: DnsRecord): void {
  writer.name(name);
  writer.uint16(typeNumber[data.type]);
  writer.uint16(classInternet);
  writer.uint32(ttlSeconds);
  const lengthAt = writer.length;
  writer.uint16(0);
  writeData(writer, name, data);
  writer.setUint16(lengthAt, writer.length - lengthAt - 2);
}

/** Type, payload size, upper bits of the code, no flags, no options (RFC 6891, 6.1.2). */
function writeOpt(writer: Writer, code: number): void {
  writer.uint8(0);
  writer.uint16(recordType.opt);
  writer.uint16(ednsPayloadBytesMax);
  writer.uint32((code >>> 4) << 24);
  writer.uint16(0);
}
const optBytes = 11;

/**
 * The answer's bytes; records that do not fit into `bytesMax` are left out and the answer says so
 * (TC).
 */
export function encodeAnswer(query: Query, answer: Answer, bytesMax: number): Uint8Array {
  const writer = new Writer();
  const flags =
    0x8000 |
    (answer.authoritative ? 0x0400 : 0) |
    query.repeatedFlags |
    0x0080 |
    (answer.code & 0x0f);
  writer.uint16(query.id);
  writer.uint16(flags);
  writer.uint16(1);
  for (let section = 0; section < 3; section++) writer.uint16(0);
  writer.raw(query.question);
  writer.noteName(query.name, headerBytes);
  const limit = bytesMax - (query.hasEdns ? optBytes : 0);
  let truncated = false;
  const counts = [answer.answers, answer.authority, answer.additional].map((records, section) => {
    let count = 0;
    for (const record of records) {
      if (truncated) break;
      const before = writer.length;
      writeRecord(writer, record);
      if (writer.length > limit) {
        writer.cutTo(before);
        // Additional records are a courtesy: leaving them out is no truncation (RFC 2181, 9).
        truncated = section < 2;
        break;
      }
      count++;
    }
    return count;
  });
  if (query.hasEdns) {
    writeOpt(writer, answer.code);
    counts[2] = (counts[2] ?? 0) + 1;
  }
  counts.forEach((count, section) => writer.setUint16(6 + 2 * section, count));
  if (truncated) writer.setUint16(2, flags | 0x0200);
  return writer.result();
}

/** A query of our own, with recursion; its id is for the forwarder to choose. */
export function encodeQuery(name: string, type: number): Uint8Array {
  const writer = new Writer();
  for (const value of [0, 0x0100, 1, 0, 0, 0]) writer.uint16(value);
  writer.name(name);
  writer.uint16(type);
  writer.uint16(classInternet);
  return writer.result();
}

/** An answer without records: what kept us from giving a better one. */
export const failure = (code: number): Answer => ({
  code,
  authoritative: false,
  answers: [],
  authority: [],
  additional: [],
});

/** The answer to a message of which nothing but the header's id could be read. */
export function encodeFailure(id: number, code: number): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  bytes.set([id >>> 8, id & 0xff, 0x80, 0x80 | code]);
  return bytes;
}
