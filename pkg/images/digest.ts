/** A content address: "sha256:" and 64 hex digits, or "sha512:" and 128. */
export type Digest = string & { readonly __digest: never };

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export const isDigest = (text: string): text is Digest => digestPattern.test(text);

/** Throws on anything that is not a digest of a known algorithm. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new Error(`invalid digest ${JSON.stringify(text.slice(0, 200))}`);
  return text;
}

export const digestAlgorithm = (digest: Digest): "sha256" | "sha512" =>
  digest.startsWith("sha512:") ? "sha512" : "sha256";

export const digestHex = (digest: Digest): string => digest.slice(digest.indexOf(":") + 1);
