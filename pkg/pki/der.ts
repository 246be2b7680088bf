/**
 * Keys, certificates, authorities, requests and kubeconfigs: what a cluster trusts with. This file
 * is its alphabet: ASN.1's distinguished encoding (X.690), as far as X.509 needs it. The room knows
 * files and keys; it never opens a connection, and never reads the time except from a Clock.
 */
import { assert } from "../base/errors.ts";

export type Bytes = Uint8Array<ArrayBufferLike>;

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One value: tag, length in its shortest form, contents. */
export function encode(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = Buffer.concat(contents);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(content.length), content]);
}

function encodeLength(length: number): Bytes {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}

export const sequence = (...items: readonly Bytes[]): Bytes => encode(tags.sequence, ...items);

/** A SET OF is sorted by its encodings (X.690 11.6). */
export const setOf = (...items: readonly Bytes[]): Bytes =>
  encode(tags.set, ...items.toSorted((a, b) => Buffer.compare(a, b)));

/** [n] EXPLICIT, or an IMPLICIT constructed value. */
export const tagged = (number: number, ...contents: readonly Bytes[]): Bytes =>
  encode(0xa0 | number, ...contents);

/** [n] IMPLICIT over a primitive value. */
export const implicit = (number: number, content: Bytes): Bytes => encode(0x80 | number, content);

export const octetString = (content: Bytes): Bytes => encode(tags.octetString, content);
export const bitString = (content: Bytes, unusedBits = 0): Bytes =>
  encode(tags.bitString, Uint8Array.of(unusedBits), content);
export const boolean = (value: boolean): Bytes =>
  encode(tags.boolean, Uint8Array.of(value ? 0xff : 0));
export const nullValue: Bytes = Uint8Array.of(tags.null, 0);
export const utf8String = (text: string): Bytes => encode(tags.utf8String, Buffer.from(text));

/** A non-negative INTEGER; a leading zero keeps the sign bit clear. */
export function integer(value: bigint): Bytes {
  assert(value >= 0n, "certificates have no negative numbers");
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return encode(
    tags.integer,
    (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes,
  );
}

/** "2.5.29.17" */
export function objectIdentifier(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(
    tags.objectIdentifier,
    Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)),
  );
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift((rest % 128) | 0x80);
  }
  return digits;
}

/** UTCTime up to 2049, GeneralizedTime after (RFC 5280, 4.1.2.5); whole seconds. */
export function time(ms: number): Bytes {
  const digits = new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? encode(tags.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : encode(tags.generalizedTime, Buffer.from(`${digits}Z`));
}

/** A value that was read: `raw` is all of it, `content` what is behind its length. */
export interface DerValue {
  readonly tag: number;
  readonly content: Bytes;
  readonly raw: Bytes;
}

/** Reads one value at the start of `bytes`; throws where it is cut short or not distinguished. */
export function decode(bytes: Bytes): DerValue {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new Error("DER: value is cut short");
  let length = first;
  let at = 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    // Four bytes of length are 4 GiB: more is an attack, none is BER's indefinite form.
    if (count === 0 || count > 4) throw new Error(`DER: length of ${count} bytes`);
    length = 0;
    for (const byte of bytes.subarray(2, 2 + count)) length = length * 256 + byte;
    at += count;
  }
  if (bytes.length < at + length) throw new Error("DER: value is cut short");
  return { tag, content: bytes.subarray(at, at + length), raw: bytes.subarray(0, at + length) };
}

/** The values inside a constructed one. */
export function children({ content }: DerValue): readonly DerValue[] {
  const values: DerValue[] = [];
  for (let rest = content; rest.length > 0;) {
    const value = decode(rest);
    values.push(value);
    rest = rest.subarray(value.raw.length);
  }
  return values;
}

/** The child at `index`, which must be there and have the tag. */
export function child(value: DerValue, index: number, tag: number): DerValue {
  const found = children(value)[index];
  if (found?.tag !== tag) {
    throw new Error(`DER: expected tag ${tag} at ${index}, found ${found?.tag ?? "nothing"}`);
  }
  return found;
}

/** The dotted form of an OBJECT IDENTIFIER. */
export function readObjectIdentifier({ content }: DerValue): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(value);
      value = 0;
    }
  }
  const [head = 0, ...rest] = numbers;
  const first = Math.min(2, Math.floor(head / 40));
  return [first, head - first * 40, ...rest].join(".");
}

/** The octets of a BIT STRING that has no unused bits. */
export function readBitString({ content }: DerValue): Bytes {
  if (content[0] !== 0) throw new Error("DER: bit string with unused bits");
  return content.subarray(1);
}
