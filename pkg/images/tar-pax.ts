/** Pax extended headers: "27 path=a/long/name\n" records. Pure. */
import { TarError } from "./tar-header.ts";

export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** Values stay bytes: extended attributes are not text. Throws TarError on a bad record. */
export function parsePax(body: Uint8Array): PaxRecords {
  const records = new Map<string, Uint8Array>();
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : bytes.toString("latin1", at, space);
    const length = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space + 1);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw new TarError("bad pax record");
    }
    if (equals < 0 || equals >= end - 1) throw new TarError("pax record without '='");
    records.set(bytes.toString("utf8", space + 1, equals), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** One record with its own length in front: the length counts its own digits. */
export function formatPaxRecord(key: string, value: Uint8Array | string): Uint8Array {
  const tail = Buffer.concat([
    Buffer.from(` ${key}=`),
    typeof value === "string" ? Buffer.from(value) : value,
    Buffer.from("\n"),
  ]);
  let length = tail.length + String(tail.length).length;
  if (tail.length + String(length).length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), tail]);
}

export const paxText = (records: PaxRecords, key: string): string | undefined => {
  const value = records.get(key);
  return value === undefined ? undefined : Buffer.from(value).toString("utf8");
};

export function paxNumber(records: PaxRecords, key: string): number | undefined {
  const text = paxText(records, key);
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (!/^-?[0-9.]+$/.test(text) || !Number.isFinite(value)) {
    throw new TarError(`bad number in pax record ${key}`);
  }
  return value;
}

const xattrPrefix = "SCHILY.xattr.";

export function paxXattrs(records: PaxRecords): Readonly<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {};
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) found[key.slice(xattrPrefix.length)] = value;
  }
  return found;
}
