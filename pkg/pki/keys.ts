import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/**
 * ECDSA P-256 by default: a signature costs a thirtieth of RSA's. RSA is for peers that want it.
 */
export const generateKeyPair = (algorithm: "ecdsa-p256" | "rsa-2048" = "ecdsa-p256"): KeyPair =>
  algorithm === "ecdsa-p256"
    ? generateKeyPairSync("ec", { namedCurve: "P-256" })
    : generateKeyPairSync("rsa", { modulusLength: 2048 });

/** SEC 1 or PKCS #1, as kubeadm writes keys: "EC PRIVATE KEY" or "RSA PRIVATE KEY". */
export const privateKeyPem = (key: KeyObject): string =>
  key
    .export({ type: key.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1", format: "pem" })
    .toString();

/** SubjectPublicKeyInfo: "PUBLIC KEY". */
export const publicKeyPem = (key: KeyObject): string =>
  key.export({ type: "spki", format: "pem" }).toString();

export const publicKeyDer = (key: KeyObject): Buffer => key.export({ type: "spki", format: "der" });

/** RFC 5958's own label, and the header of older files (RFC 1421). */
export const isEncryptedKey = (pem: string): boolean =>
  /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED$/m.test(pem);

/**
 * Any private key that node:crypto reads (SEC 1, PKCS #1, PKCS #8), with its public half. Throws
 * where the text is none, or is encrypted: nobody is there to say the password at every start.
 */
export function parsePrivateKey(pem: string): KeyPair {
  if (isEncryptedKey(pem)) {
    throw new Error("the key is encrypted: decrypt it first (openssl pkey -in FILE -out FILE.new)");
  }
  const privateKey = createPrivateKey(pem);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** What `kubeadm join --discovery-token-ca-cert-hash` takes: sha256:… of the public key. */
export const publicKeyFingerprint = (publicKey: KeyObject): string =>
  `sha256:${createHash("sha256").update(publicKeyDer(publicKey)).digest("hex")}`;

/** A public key from its own PEM, a certificate's or a private key's: what verifies tokens. */
export const parsePublicKey = (pem: string): KeyObject => createPublicKey(pem);
