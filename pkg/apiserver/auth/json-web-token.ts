import { createHash, createPublicKey, sign, verify, type KeyObject } from "node:crypto";

/** A key that signs or verifies, and the id under which tokens name it. */
export interface TokenKey {
  readonly id: string;
  readonly algorithm: "ES256" | "RS256";
  readonly publicKey: KeyObject;
}
export interface TokenSigningKey extends TokenKey {
  readonly privateKey: KeyObject;
}

const base64url = (data: string | Uint8Array): string => Buffer.from(data).toString("base64url");

/** The id is a hash of the public key, so that every server that has the key knows its id. */
export function tokenKey(publicKey: KeyObject): TokenKey {
  const der = publicKey.export({ type: "spki", format: "der" });
  return {
    id: createHash("sha256").update(der).digest("base64url"),
    algorithm: publicKey.asymmetricKeyType === "rsa" ? "RS256" : "ES256",
    publicKey,
  };
}

export const tokenSigningKey = (privateKey: KeyObject): TokenSigningKey => ({
  ...tokenKey(createPublicKey(privateKey)),
  privateKey,
});

/** JOSE wants an EC signature as two numbers of fixed length, not as DER. */
const forSigning = (key: KeyObject) => ({ key, dsaEncoding: "ieee-p1363" as const });

/** A signed token in compact form (RFC 7519). */
export function signToken(claims: object, { id, algorithm, privateKey }: TokenSigningKey): string {
  const head = base64url(JSON.stringify({ alg: algorithm, kid: id }));
  const body = `${head}.${base64url(JSON.stringify(claims))}`;
  return `${body}.${base64url(sign("sha256", Buffer.from(body), forSigning(privateKey)))}`;
}

/**
 * The claims of a token that one of the keys signed; undefined where none did. The algorithm is the
 * key's, never the token's own word ("none" included).
 */
export function verifyToken(token: string, keys: readonly TokenKey[]): unknown {
  const [head = "", claims = "", signature, ...rest] = token.split(".");
  if (signature === undefined || rest.length > 0) return undefined;
  const named = readPart(head);
  const kid = isRecord(named) ? named["kid"] : undefined;
  const candidates = kid === undefined ? keys : keys.filter(({ id }) => id === kid);
  const signed = Buffer.from(`${head}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  const isSigned = candidates.some(({ publicKey, algorithm }) => {
    if (isRecord(named) && named["alg"] !== algorithm) return false;
    return verify("sha256", signed, forSigning(publicKey), bytes);
  });
  return isSigned ? readPart(claims) : undefined;
}

/** The claims, unverified: for telling whose token it would be. */
export const peekClaims = (token: string): unknown => readPart(token.split(".")[1] ?? "");

function readPart(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
