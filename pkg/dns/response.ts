/**
 * Responses of other servers, as far as we must look into them: how long they last, and to which
 * addresses a name leads. Pure; never throws on bytes, which come from anywhere.
 */
import { recordType, type DnsRecord } from "./message.ts";

interface RawRecord {
  /** Where its name begins. */
  readonly at: number;
  readonly type: number;
  readonly ttlAt: number;
  readonly section: "answer" | "authority" | "additional";
  readonly dataAt: number;
  readonly dataBytes: number;
}

const headerBytes = 12;
const pointerHopsMax = 32;
const nameBytesMax = 255;
const uint16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
const uint32 = (bytes: Uint8Array, at: number): number =>
  uint16(bytes, at) * 0x1_0000 + uint16(bytes, at + 2);

/** Where the name that begins at `start` ends in its place: a pointer is its last part. */
function endOfName(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at < bytes.length; at += (bytes[at] ?? 0) + 1) {
    const length = bytes[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
  }
  return at;
}

/** The whole name in lower case; undefined when its pointers go astray. */
function nameAt(bytes: Uint8Array, start: number): string | undefined {
  const labels: string[] = [];
  let hops = 0;
  let total = 0;
  for (let at = start; ;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return labels.join(".");
    if (length >= 0xc0) {
      if (++hops > pointerHopsMax) return undefined;
      at = uint16(bytes, at) & 0x3fff;
      continue;
    }
    total += length + 1;
    if (length > 63 || total > nameBytesMax || at + 1 + length > bytes.length) return undefined;
    labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)).toLowerCase());
    at += length + 1;
  }
}

/** All records of a response; undefined when it is cut off. */
function recordsOf(bytes: Uint8Array): readonly RawRecord[] | undefined {
  let at = headerBytes;
  for (let left = uint16(bytes, 4); left > 0; left--) {
    at = endOfName(bytes, at) + 4;
    if (at > bytes.length) return undefined;
  }
  const found: RawRecord[] = [];
  for (const [index, section] of (["answer", "authority", "additional"] as const).entries()) {
    for (let left = uint16(bytes, 6 + 2 * index); left > 0; left--) {
      const afterName = endOfName(bytes, at);
      const dataAt = afterName + 10;
      const dataBytes = uint16(bytes, afterName + 8);
      if (dataAt + dataBytes > bytes.length) return undefined;
      const type = uint16(bytes, afterName);
      found.push({ at, type, ttlAt: afterName + 4, section, dataAt, dataBytes });
      at = dataAt + dataBytes;
    }
  }
  return found;
}

export interface Lifetime {
  /** The smallest TTL of its records; undefined without any. */
  readonly ttlSeconds: number | undefined;
  readonly isPositive: boolean;
  /** Where TTLs stand in the bytes, to count them down. */
  readonly ttlOffsets: readonly number[];
}

/** How long a response lasts; undefined when it cannot be read. */
export function lifetimeOf(bytes: Uint8Array): Lifetime | undefined {
  // An OPT record has flags where others have a TTL.
  const records = recordsOf(bytes)?.filter(({ type }) => type !== recordType.opt);
  if (records === undefined) return undefined;
  const ttlOffsets = records.map(({ ttlAt }) => ttlAt);
  const ttls = ttlOffsets.map((at) => uint32(bytes, at));
  return {
    ttlSeconds: ttls.length === 0 ? undefined : ttls.reduce((a, b) => Math.min(a, b)),
    isPositive: uint16(bytes, 6) > 0 && ((bytes[3] ?? 0) & 0x0f) === 0,
    ttlOffsets,
  };
}

/** The aliases and addresses among a response's answers, in their order. */
export function addressRecords(bytes: Uint8Array): readonly DnsRecord[] {
  const answers = (recordsOf(bytes) ?? []).filter(({ section }) => section === "answer");
  return answers.flatMap((raw): readonly DnsRecord[] => {
    const name = nameAt(bytes, raw.at);
    if (name === undefined) return [];
    const known = { name, ttlSeconds: uint32(bytes, raw.ttlAt) };
    const data = bytes.slice(raw.dataAt, raw.dataAt + raw.dataBytes);
    if (raw.type === recordType.a && raw.dataBytes === 4)
      return [{ ...known, data: { type: "A", address: data.join(".") } }];
    if (raw.type === recordType.aaaa && raw.dataBytes === 16)
      return [{ ...known, data: { type: "AAAA", address: data } }];
    const target = raw.type === recordType.cname ? nameAt(bytes, raw.dataAt) : undefined;
    return target === undefined ? [] : [{ ...known, data: { type: "CNAME", target } }];
  });
}
