import { createHash, sign, type KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { bitString, child, children, decode, integer, nullValue, objectIdentifier } from "./der.ts";
import { readBitString, sequence, tagged, tags, time, type Bytes, type DerValue } from "./der.ts";
import { encodeSubject, readSubject, type Subject } from "./distinguished-name.ts";
import type { ExtendedUsage } from "./extended-usage.ts";
import * as extensions from "./extensions.ts";
import { publicKeyDer } from "./keys.ts";
import { encodePem, requirePem } from "./pem.ts";

/** Who signs: its key, its own name as it stands in its certificate, and its key's identifier. */
export interface Issuer {
  readonly privateKey: KeyObject;
  readonly name: Bytes;
  readonly keyIdentifier: Bytes;
}

export interface CertificateRequestFields {
  readonly subject: Subject;
  readonly publicKey: KeyObject;
  readonly names?: extensions.AlternativeNames;
  /** Empty and `isAuthority`: an authority. */
  readonly usages: readonly ExtendedUsage[];
  readonly isAuthority?: boolean;
  readonly validForMs: number;
}

/** The doors a signature needs: when it begins, and an unguessable serial number. */
export interface Doors {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Clocks of a cluster differ by a little: a certificate is valid from this long before its birth,
 * as upstream's are.
 */
export const clockSkewMs = 5 * 60_000;

/** RFC 5280, method 1: the SHA-1 of the public key's bits. An identifier, not a protection. */
export const keyIdentifier = (publicKey: KeyObject): Bytes =>
  createHash("sha1")
    .update(readBitString(child(decode(publicKeyDer(publicKey)), 1, tags.bitString)))
    .digest();

const ecdsaWithSha256 = (): Bytes => sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const rsaWithSha256 = (): Bytes => sequence(objectIdentifier("1.2.840.113549.1.1.11"), nullValue);

export const signatureAlgorithm = (key: KeyObject): Bytes =>
  key.asymmetricKeyType === "rsa" ? rsaWithSha256() : ecdsaWithSha256();

/** body, algorithm, signature: the shape that certificates and requests share. */
export const signed = (body: Bytes, key: KeyObject): Bytes =>
  sequence(body, signatureAlgorithm(key), bitString(sign("sha256", body, key)));

/** Writes and signs an X.509 v3 certificate; the answer is PEM. */
export function writeCertificate(
  fields: CertificateRequestFields,
  issuer: Issuer,
  { clock, random }: Doors,
): string {
  // Whole seconds, and never before the authority's own beginning by more than the skew.
  const start = clock.now() - clockSkewMs;
  const body = sequence(
    tagged(0, extensions.version(2)),
    integer(serialNumber(random)),
    signatureAlgorithm(issuer.privateKey),
    issuer.name,
    sequence(time(start), time(clock.now() + fields.validForMs)),
    encodeSubject(fields.subject),
    publicKeyDer(fields.publicKey),
    tagged(3, sequence(...extensionsOf(fields, issuer))),
  );
  return encodePem({ label: "CERTIFICATE", bytes: signed(body, issuer.privateKey) });
}

function extensionsOf(fields: CertificateRequestFields, issuer: Issuer): readonly Bytes[] {
  const { names = [], usages, isAuthority = false } = fields;
  return [
    isAuthority ? extensions.authorityKeyUsage() : extensions.leafKeyUsage(),
    ...(usages.length === 0 ? [] : [extensions.extendedKeyUsage(usages)]),
    isAuthority ? extensions.authorityConstraints() : extensions.leafConstraints(),
    extensions.subjectKeyIdentifier(keyIdentifier(fields.publicKey)),
    extensions.authorityKeyIdentifier(issuer.keyIdentifier),
    ...(names.length === 0 ? [] : [extensions.subjectAlternativeName(names)]),
  ];
}

/** 122 unguessable bits, positive, within the 20 octets that RFC 5280 allows. */
const serialNumber = (random: Random): bigint =>
  BigInt(`0x${random.uuid().replaceAll("-", "")}`) & ((1n << 127n) - 1n);

/** What the plan and the request chain ask of a certificate. */
export interface CertificateFacts {
  readonly subject: Required<Subject>;
  readonly names: extensions.AlternativeNames;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isAuthority: boolean;
  /** The subject as it is written, for issuing under it. */
  readonly name: Bytes;
  readonly issuerName: Bytes;
  readonly keyIdentifier: Bytes | undefined;
}

/** Reads the first certificate of a PEM text; throws where it is none. */
export function readCertificate(pem: string): CertificateFacts {
  const body = child(decode(requirePem(pem, "CERTIFICATE")), 0, tags.sequence);
  const [, , , issuer, validity, subject, , ...rest] = children(body);
  if (issuer === undefined || validity === undefined || subject === undefined) {
    throw new Error("X.509: not a version 3 certificate");
  }
  const [notBefore, notAfter] = children(validity);
  const found = rest.find(({ tag }) => tag === 0xa3);
  const known =
    found === undefined ? new Map<string, Bytes>() : extensions.readExtensions(found.content);
  const names = known.get(extensions.extensionIds.subjectAlternativeName);
  const constraints = known.get(extensions.extensionIds.basicConstraints);
  const identifier = known.get(extensions.extensionIds.subjectKeyIdentifier);
  return {
    subject: readSubject(subject),
    names: names === undefined ? [] : extensions.readAlternativeNames(names),
    notBeforeMs: readTime(notBefore),
    notAfterMs: readTime(notAfter),
    isAuthority: constraints !== undefined && children(decode(constraints))[0]?.content[0] === 0xff,
    name: subject.raw,
    issuerName: issuer.raw,
    keyIdentifier: identifier === undefined ? undefined : decode(identifier).content,
  };
}

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime in Zulu. */
export function readTime(value: DerValue | undefined): number {
  const text = Buffer.from(value?.content ?? []).toString("latin1");
  const years = value?.tag === tags.utcTime ? 2 : 4;
  const [, year = "", month = "", day = "", hour = "", minute = "", second = ""] =
    new RegExp(`^(\\d{${years}})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)Z$`).exec(text) ?? [];
  // Two-digit years from 50 on are of the last century (RFC 5280, 4.1.2.5.1).
  const century = years === 4 ? "" : Number(year) >= 50 ? "19" : "20";
  const ms = Date.parse(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(ms)) throw new Error(`X.509: time "${text}"`);
  return ms;
}
