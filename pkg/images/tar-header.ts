/** One 512-byte tar header block: numbers, text and checksum. Pure. */
import { utf8Text } from "./bytes.ts";
import { tarBlockBytes } from "./tar-entry.ts";

export class TarError extends Error {
  override readonly name = "TarError";
}

export interface RawHeader {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly flag: string;
  readonly linkPath: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Old GNU headers keep a sparse map where ustar keeps the prefix. */
  readonly isGnu: boolean;
}

export const isZeroBlock = (block: Uint8Array): boolean => block.every((byte) => byte === 0);

export function tarText(block: Uint8Array, start: number, length: number): string {
  const field = block.subarray(start, start + length);
  const end = field.indexOf(0);
  return utf8Text(end < 0 ? field : field.subarray(0, end));
}

/** Octal text, or base 256 where the first byte has its high bit set (GNU, for large numbers). */
export function tarNumber(block: Uint8Array, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) return base256(block.subarray(start, start + length));
  const text = tarText(block, start, length).trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw new TarError(`bad number ${JSON.stringify(text)} in header`);
  return Number.parseInt(text, 8);
}

function base256(field: Uint8Array): number {
  const isNegative = field[0] === 0xff;
  let value = BigInt.asIntN(8, isNegative ? -1n : BigInt((field[0] ?? 0) & 0x7f));
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new TarError("number in header is out of range");
  return number;
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
export function tarChecksum(block: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < tarBlockBytes; index++) {
    sum += index >= 148 && index < 156 ? 0x20 : (block[index] ?? 0);
  }
  return sum;
}

/** Throws TarError when the block is not a header. */
export function parseTarHeader(block: Uint8Array): RawHeader {
  if (tarNumber(block, 148, 8) !== tarChecksum(block)) throw new TarError("bad header checksum");
  const magic = tarText(block, 257, 6);
  const isGnu = magic.startsWith("ustar ");
  const prefix = magic === "ustar" ? tarText(block, 345, 155) : "";
  const name = tarText(block, 0, 100);
  const size = tarNumber(block, 124, 12);
  if (size < 0) throw new TarError("negative size in header");
  return {
    path: prefix === "" ? name : `${prefix}/${name}`,
    mode: tarNumber(block, 100, 8),
    uid: tarNumber(block, 108, 8),
    gid: tarNumber(block, 116, 8),
    size,
    mtime: tarNumber(block, 136, 12),
    flag: String.fromCharCode(block[156] ?? 0),
    linkPath: tarText(block, 157, 100),
    deviceMajor: magic === "" ? 0 : tarNumber(block, 329, 8),
    deviceMinor: magic === "" ? 0 : tarNumber(block, 337, 8),
    isGnu,
  };
}
