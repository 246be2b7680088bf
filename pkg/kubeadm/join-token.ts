import type { Random } from "../base/random.ts";
import {
  parseBootstrapToken,
  type BootstrapToken,
  type TokenText,
} from "../machinery/bootstrap-token.ts";

/** Joining machines are in this group; kubeadm's name. */
export const joinGroup = "system:bootstrappers:kubeadm:default-node-token";

/** Throws where the text is no token. */
export function parseToken(text: string): TokenText {
  const token = parseBootstrapToken(text);
  if (token === undefined) {
    throw new Error(
      `the token ${JSON.stringify(text)} is not of the form [a-z0-9]{6}.[a-z0-9]{16}`,
    );
  }
  return token;
}

/** What a token for joining machines is, beside its text. */
export const joinToken = (
  text: string,
  more: Pick<BootstrapToken, "description" | "expiresAtMs"> &
    Partial<Pick<BootstrapToken, "extraGroups" | "usages">>,
): BootstrapToken => ({
  ...parseToken(text),
  usages: ["signing", "authentication"],
  extraGroups: [joinGroup],
  ...more,
});

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** 36 letters in 22 places: 113 bits, of which the secret has 82. */
export function generateToken(random: Random): string {
  const text = (length: number): string => {
    let made = "";
    // Bytes from 252 on are passed over, so that all letters are as likely; the first nine of a
    // UUID have fixed bits among them.
    while (made.length < length) {
      for (const byte of Buffer.from(random.uuid().replaceAll("-", ""), "hex").subarray(9)) {
        if (byte < 252 && made.length < length) made += letters[byte % 36] ?? "";
      }
    }
    return made;
  };
  return `${text(6)}.${text(16)}`;
}
