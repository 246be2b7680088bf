import { createPrivateKey, X509Certificate } from "node:crypto";

const hasPem = (bytes: Uint8Array, label: RegExp): boolean =>
  label.test(Buffer.from(bytes).toString("latin1"));

/** Why a certificate and a private key are no pair, or nothing. */
export function keyPairProblem(certificate: Uint8Array, key: Uint8Array): string | undefined {
  if (!hasPem(certificate, /-----BEGIN CERTIFICATE-----/))
    return "tls: failed to find any PEM data in certificate input";
  if (!hasPem(key, /-----BEGIN [A-Z ]*PRIVATE KEY-----/))
    return "tls: failed to find any PEM data in key input";
  try {
    const isPair = new X509Certificate(certificate).checkPrivateKey(
      createPrivateKey(Buffer.from(key)),
    );
    return isPair ? undefined : "tls: private key does not match public key";
  } catch (error) {
    return `tls: ${error instanceof Error ? error.message : "not a key pair"}`;
  }
}
