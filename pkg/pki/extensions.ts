import { isIP } from "node:net";
import {
  bitString,
  boolean,
  children,
  decode,
  implicit,
  integer,
  objectIdentifier,
} from "./der.ts";
import { octetString, readObjectIdentifier, sequence, tags, type Bytes } from "./der.ts";

import type { ExtendedUsage } from "./extended-usage.ts";

/** Host names and textual IP addresses, in the order in which the certificate lists them. */
export type AlternativeNames = readonly string[];

export const extensionIds = {
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
} as const;

const usageIds: Readonly<Record<ExtendedUsage, string>> = {
  "server auth": "1.3.6.1.5.5.7.3.1",
  "client auth": "1.3.6.1.5.5.7.3.2",
};

const extension = (id: string, isCritical: boolean, value: Bytes): Bytes =>
  sequence(objectIdentifier(id), ...(isCritical ? [boolean(true)] : []), octetString(value));

/** An authority that signs leaves and, when asked, nothing below other authorities. */
export const authorityConstraints = (): Bytes =>
  extension(extensionIds.basicConstraints, true, sequence(boolean(true)));
export const leafConstraints = (): Bytes =>
  extension(extensionIds.basicConstraints, true, sequence());

/** digitalSignature, keyEncipherment and keyCertSign: what kubeadm's authorities carry. */
export const authorityKeyUsage = (): Bytes =>
  extension(extensionIds.keyUsage, true, bitString(Uint8Array.of(0b1010_0100), 2));
/** digitalSignature and keyEncipherment. */
export const leafKeyUsage = (): Bytes =>
  extension(extensionIds.keyUsage, true, bitString(Uint8Array.of(0b1010_0000), 5));

export const extendedKeyUsage = (usages: readonly ExtendedUsage[]): Bytes =>
  extension(
    extensionIds.extendedKeyUsage,
    false,
    sequence(...usages.map((usage) => objectIdentifier(usageIds[usage]))),
  );

export const subjectKeyIdentifier = (id: Bytes): Bytes =>
  extension(extensionIds.subjectKeyIdentifier, false, octetString(id));
export const authorityKeyIdentifier = (id: Bytes): Bytes =>
  extension(extensionIds.authorityKeyIdentifier, false, sequence(implicit(0, id)));

export const subjectAlternativeName = (names: AlternativeNames): Bytes =>
  extension(extensionIds.subjectAlternativeName, false, sequence(...names.map(generalName)));

/** dNSName is [2], iPAddress is [7] (RFC 5280, 4.2.1.6). */
const generalName = (name: string): Bytes =>
  isIP(name) === 0 ? implicit(2, Buffer.from(name)) : implicit(7, ipBytes(name));

/** Four or sixteen bytes in network order. */
export function ipBytes(address: string): Bytes {
  if (isIP(address) === 4) return Uint8Array.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 16 - left.length - right.length }, () => 0);
  return Uint8Array.from([...left, ...zeros, ...right]);
}

const groupsOf = (text: string): number[] =>
  text === "" ? [] : text.split(":").flatMap((group) => bytesOfGroup(group));

const bytesOfGroup = (group: string): number[] => {
  if (group.includes(".")) return group.split(".").map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
};

/** The names in an encoded GeneralNames; kinds other than DNS and IP are left out. */
export function readAlternativeNames(encoded: Bytes): AlternativeNames {
  return children(decode(encoded)).flatMap(({ tag, content }) => {
    if (tag === 0x82) return [Buffer.from(content).toString("latin1")];
    return tag === 0x87 ? [ipText(content)] : [];
  });
}

export type OtherNameKind = "email" | "URI" | "other";

/** Which kinds of names there are beside DNS and IP. */
export const readOtherNames = (encoded: Bytes): readonly OtherNameKind[] =>
  children(decode(encoded)).flatMap(({ tag }): readonly OtherNameKind[] => {
    if (tag === 0x82 || tag === 0x87) return [];
    return [tag === 0x81 ? "email" : tag === 0x86 ? "URI" : "other"];
  });

/** The shortest usual text of an address: 10.0.0.1, or ::1. */
export function ipText(bytes: Bytes): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16),
  );
  const { at, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, at).join(":")}::${groups.slice(at + length).join(":")}`;
}

/** The first of the longest runs of zero groups: what "::" stands for (RFC 5952). */
function longestZeros(groups: readonly string[]): { readonly at: number; readonly length: number } {
  let longest = { at: 0, length: 0 };
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== "0") start = at + 1;
    else if (at + 1 - start > longest.length) longest = { at: start, length: at + 1 - start };
  }
  return longest;
}

/** The one spelling of a name, as it comes back out of a certificate. */
export const canonicalName = (name: string): string =>
  isIP(name) === 0 ? name : ipText(ipBytes(name));

/** Each extension of an encoded Extensions: its id and its value. */
export function readExtensions(encoded: Bytes): ReadonlyMap<string, Bytes> {
  const found = children(decode(encoded)).map((item): readonly [string, Bytes] => {
    const parts = children(item);
    const [id] = parts;
    const value = parts.at(-1);
    if (id === undefined || value?.tag !== tags.octetString) {
      throw new Error("X.509: extension without a value");
    }
    return [readObjectIdentifier(id), value.content];
  });
  return new Map(found);
}

/** Version 3 of certificates is written as 2, version 1 of requests as 0. */
export const version = (number: number): Bytes => integer(BigInt(number));
