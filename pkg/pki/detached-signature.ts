import { createHmac, timingSafeEqual } from "node:crypto";

/** What signs: a token's id goes into the signature's header, its secret is the key. */
export interface SharedSecret {
  readonly id: string;
  readonly secret: string;
}

const encoded = (text: string): string => Buffer.from(text).toString("base64url");

/**
 * A JWS with HS256 whose payload is left out (RFC 7515, appendix F): who gets the content by other
 * ways can tell that it is of somebody who knows the secret. As in kube-public/cluster-info.
 */
export function signDetached(content: string, { id, secret }: SharedSecret): string {
  const header = encoded(JSON.stringify({ alg: "HS256", kid: id }));
  const signature = createHmac("sha256", secret)
    .update(`${header}.${encoded(content)}`)
    .digest("base64url");
  return `${header}..${signature}`;
}

export function isSignedBy(signature: string, content: string, by: SharedSecret): boolean {
  const [given, wanted] = [Buffer.from(signature), Buffer.from(signDetached(content, by))];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
