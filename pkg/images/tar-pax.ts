/** Pax extended headers: "27 path=a/long/name\n" records. Pure. */
import { joinBytes, latin1Text, utf8Bytes, utf8Text } from "./bytes.ts";
import { TarError } from "./tar-header.ts";

export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** Values stay bytes: extended attributes are not text. Throws TarError on a bad record. */
export function parsePax(bytes: Uint8Array): PaxRecords {
  const records = new Map<string, Uint8Array>();
  let at = 0;
  while (at < bytes.length && bytes[at] !== 0) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? "" : latin1Text(bytes.subarray(at, Math.min(space, at + 12)));
    const length = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = bytes.indexOf(0x3d, space + 1);
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a) {
      throw new TarError("bad pax record");
    }
    if (equals < 0 || equals >= end - 1) throw new TarError("pax record without '='");
    records.set(utf8Text(bytes.subarray(space + 1, equals)), bytes.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/** One record with its own length in front: the length counts its own digits. */
export function formatPaxRecord(key: string, value: Uint8Array | string): Uint8Array {
  const tail = joinBytes([
    utf8Bytes(` ${key}=`),
    typeof value === "string" ? utf8Bytes(value) : value,
    utf8Bytes("\n"),
  ]);
  let length = tail.length + String(tail.length).length;
  if (tail.length + String(length).length !== length) length++;
  return joinBytes([utf8Bytes(String(length)), tail]);
}

export const paxText = (records: PaxRecords, key: string): string | undefined => {
  const value = records.get(key);
  return value === undefined ? undefined : utf8Text(value);
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
