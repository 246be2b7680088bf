import { createPublicKey, verify, type KeyObject } from "node:crypto";
import { signed } from "./certificate.ts";
import { child, children, decode, encode, objectIdentifier, readBitString } from "./der.ts";
import { readObjectIdentifier, sequence, tagged, tags, type Bytes, type DerValue } from "./der.ts";
import { encodeSubject, readSubject, type Subject } from "./distinguished-name.ts";
import * as extensions from "./extensions.ts";
import { publicKeyDer, type KeyPair } from "./keys.ts";
import { encodePem, requirePem } from "./pem.ts";

/** A PKCS #10 request that was read, and whose signature shows that its sender has the key. */
export interface SigningRequest {
  readonly subject: Required<Subject>;
  readonly names: extensions.AlternativeNames;
  /** What else it would like to be called; a certificate of ours never carries these. */
  readonly otherNames: readonly extensions.OtherNameKind[];
  readonly publicKey: KeyObject;
}

/** PKCS #9's extensionRequest: the extensions that the sender would like. */
const extensionRequestId = "1.2.840.113549.1.9.14";

/** A request for a certificate, signed with its own key (RFC 2986); PEM. */
export function writeSigningRequest(
  { subject, names = [] }: { subject: Subject; names?: extensions.AlternativeNames },
  { privateKey, publicKey }: KeyPair,
): string {
  const wanted = encode(
    tags.sequence,
    ...(names.length === 0 ? [] : [extensions.subjectAlternativeName(names)]),
  );
  const attribute = sequence(objectIdentifier(extensionRequestId), encode(tags.set, wanted));
  const body = sequence(
    extensions.version(0),
    encodeSubject(subject),
    publicKeyDer(publicKey),
    tagged(0, ...(names.length === 0 ? [] : [attribute])),
  );
  return encodePem({ label: "CERTIFICATE REQUEST", bytes: signed(body, privateKey) });
}

/** The hash in front of the signature, by the algorithm's id; null: it is part of the algorithm. */
const digests: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

/** Reads a request; throws where it is malformed or its signature does not fit its own key. */
export function parseSigningRequest(pem: string): SigningRequest {
  const request = decode(requirePem(pem, "CERTIFICATE REQUEST"));
  const body = child(request, 0, tags.sequence);
  const algorithm = readObjectIdentifier(
    child(child(request, 1, tags.sequence), 0, tags.objectIdentifier),
  );
  const digest = digests[algorithm];
  if (digest === undefined) throw new Error(`the signature algorithm ${algorithm} is not known`);
  const signature = readBitString(child(request, 2, tags.bitString));
  const subject = child(body, 1, tags.sequence);
  const key = Buffer.from(child(body, 2, tags.sequence).raw);
  const publicKey = createPublicKey({ key, format: "der", type: "spki" });
  if (!verify(digest, body.raw, publicKey, signature)) {
    throw new Error("the request is not signed with its own key");
  }
  const wanted = requestedNames(body);
  return {
    subject: readSubject(subject),
    names: wanted === undefined ? [] : extensions.readAlternativeNames(wanted),
    otherNames: wanted === undefined ? [] : extensions.readOtherNames(wanted),
    publicKey,
  };
}

/** The value of the extension subjectAltName, where the sender wants one. */
function requestedNames(body: DerValue): Bytes | undefined {
  const attributes = children(body)[3];
  if (attributes?.tag !== 0xa0) return undefined;
  for (const attribute of children(attributes)) {
    const [id, values] = children(attribute);
    if (id === undefined || values === undefined) continue;
    if (readObjectIdentifier(id) !== extensionRequestId) continue;
    return extensions
      .readExtensions(values.content)
      .get(extensions.extensionIds.subjectAlternativeName);
  }
  return undefined;
}
