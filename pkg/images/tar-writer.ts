/**
 * Writes tar: ustar headers, with a pax header in front where ustar's fields are too small. Pure.
 */
import { joinBytes, utf8Bytes } from "./bytes.ts";
import { tarBlockBytes, tarPaddingBytes, tarTypeFlags, type TarEntry } from "./tar-entry.ts";
import { tarChecksum } from "./tar-header.ts";
import { formatPaxRecord } from "./tar-pax.ts";

/** What ustar's octal fields of 8 and 12 bytes hold. */
const idMax = 0o7777777;
const sizeMax = 0o77777777777;

/** Everything that stands before the entry's content. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const records = paxRecordsFor(entry);
  if (records.length === 0) return ustarBlock(entry, tarTypeFlags[entry.type]);
  const body = joinBytes(records);
  const name = `PaxHeaders/${entry.path.slice(-60)}`;
  const pax = ustarBlock({ ...plainEntry, path: name, size: body.length }, "x");
  return joinBytes([
    pax,
    body,
    tarPadding(body.length),
    ustarBlock(entry, tarTypeFlags[entry.type]),
  ]);
}

/** The zeros behind a content of `size` bytes. */
export const tarPadding = (size: number): Uint8Array => new Uint8Array(tarPaddingBytes(size));

/** Two blocks of zeros. */
export const tarEnd = (): Uint8Array => new Uint8Array(2 * tarBlockBytes);

/** A file that belongs to root; the start of every entry made by hand. */
export const plainEntry: TarEntry = {
  path: "",
  type: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  linkPath: "",
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: {},
};

function paxRecordsFor(entry: TarEntry): Uint8Array[] {
  const records: Uint8Array[] = [];
  const add = (key: string, value: string | Uint8Array): void =>
    void records.push(formatPaxRecord(key, value));
  if (!fitsAscii(entry.path)) add("path", entry.path);
  if (!fitsAscii(entry.linkPath)) add("linkpath", entry.linkPath);
  if (entry.size > sizeMax) add("size", String(entry.size));
  if (entry.uid > idMax) add("uid", String(entry.uid));
  if (entry.gid > idMax) add("gid", String(entry.gid));
  if (!Number.isInteger(entry.mtime) || entry.mtime < 0) add("mtime", String(entry.mtime));
  for (const [name, value] of Object.entries(entry.xattrs)) add(`SCHILY.xattr.${name}`, value);
  return records;
}

const fitsAscii = (text: string): boolean => text.length <= 100 && /^[\x20-\x7e]*$/.test(text);

function ustarBlock(entry: TarEntry, flag: string): Uint8Array {
  const block = new Uint8Array(tarBlockBytes);
  const text = (at: number, value: string, bytesMax: number): void =>
    block.set(utf8Bytes(value).subarray(0, bytesMax), at);
  const octal = (at: number, length: number, value: number): void => {
    const digits = Math.max(0, Math.floor(value))
      .toString(8)
      .padStart(length - 1, "0");
    // What does not fit stands in the pax header, which readers prefer.
    text(at, digits.slice(-(length - 1)), length);
  };
  text(0, entry.path, 100);
  octal(100, 8, entry.mode);
  octal(108, 8, entry.uid);
  octal(116, 8, entry.gid);
  octal(124, 12, entry.size);
  octal(136, 12, entry.mtime);
  text(156, flag, 1);
  text(157, entry.linkPath, 100);
  text(257, "ustar\0" + "00", 8);
  octal(329, 8, entry.deviceMajor);
  octal(337, 8, entry.deviceMinor);
  text(148, `${tarChecksum(block).toString(8).padStart(6, "0")}\0 `, 8);
  return block;
}
