import { X509Certificate, type KeyObject } from "node:crypto";
import {
  keyIdentifier,
  readCertificate,
  writeCertificate,
  type CertificateRequestFields,
  type Doors,
  type Issuer,
} from "./certificate.ts";
import { encodeSubject, type Subject } from "./distinguished-name.ts";
import {
  generateKeyPair,
  parsePrivateKey,
  privateKeyPem,
  publicKeyFingerprint,
  type KeyPair,
} from "./keys.ts";

/** A certificate with the key that belongs to it, both PEM. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** Signs certificates under its own. */
export interface Authority extends CertificateAndKey {
  /** For a public key that somebody else made (a CSR). PEM. */
  sign(fields: CertificateRequestFields, doors: Doors): string;
  /** With a new key. */
  issue(fields: Omit<CertificateRequestFields, "publicKey">, doors: Doors): CertificateAndKey;
  /** sha256:… of the public key. */
  readonly fingerprint: string;
}

export interface NewAuthority {
  readonly commonName: string;
  /** Absent: a new one. */
  readonly keyPair?: KeyPair;
  readonly validForMs: number;
}

/** A new self-signed authority. Its name is in its SANs too, as kubeadm's are. */
export function createAuthority(wanted: NewAuthority, doors: Doors): Authority {
  const { privateKey, publicKey } = wanted.keyPair ?? generateKeyPair();
  const subject: Subject = { commonName: wanted.commonName };
  const self: Issuer = {
    privateKey,
    name: encodeSubject(subject),
    keyIdentifier: keyIdentifier(publicKey),
  };
  const fields = {
    subject,
    publicKey,
    names: [wanted.commonName],
    usages: [],
    isAuthority: true,
    validForMs: wanted.validForMs,
  };
  const certificate = writeCertificate(fields, self, doors);
  return openAuthority({ certificate, key: privateKeyPem(privateKey) });
}

/** An authority from its PEM files; throws where the key is not the certificate's. */
export function openAuthority({ certificate, key }: CertificateAndKey): Authority {
  const { privateKey, publicKey } = parsePrivateKey(key);
  const facts = readCertificate(certificate);
  if (!belongsTo(certificate, privateKey)) {
    throw new Error(`authority ${facts.subject.commonName}: the key is of another certificate`);
  }
  if (!facts.isAuthority) throw new Error(`${facts.subject.commonName} is not an authority`);
  const issuer: Issuer = {
    privateKey,
    name: facts.name,
    keyIdentifier: facts.keyIdentifier ?? keyIdentifier(publicKey),
  };
  const sign: Authority["sign"] = (fields, doors) => writeCertificate(fields, issuer, doors);
  return {
    certificate,
    key,
    sign,
    fingerprint: publicKeyFingerprint(publicKey),
    issue: (fields, doors) => {
      const pair = generateKeyPair();
      return {
        certificate: sign({ ...fields, publicKey: pair.publicKey }, doors),
        key: privateKeyPem(pair.privateKey),
      };
    },
  };
}

export const belongsTo = (certificate: string, key: KeyObject): boolean =>
  new X509Certificate(certificate).checkPrivateKey(key);
