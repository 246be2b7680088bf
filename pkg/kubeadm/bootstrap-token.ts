/** Bootstrap tokens (ID.SECRET) as Secrets of kube-system, and what they say of themselves. Pure. */
import type { Secret } from "../../api/core/v1.ts";
import { rfc3339 } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

export const tokenPattern = /^[a-z0-9]{6}\.[a-z0-9]{16}$/;
export const tokenSecretType = "bootstrap.kubernetes.io/token";
/** Joining machines are in this group; kubeadm's name. */
export const joinGroup = "system:bootstrappers:kubeadm:default-node-token";

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
  readonly description: string;
  /** Absent: without an end. */
  readonly expiresAtMs?: number;
  readonly usages: readonly ("authentication" | "signing")[];
  readonly groups: readonly string[];
}

/** Throws where the text is no token. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } {
  if (!tokenPattern.test(text)) {
    throw new Error(`the token ${JSON.stringify(text)} is not of the form ${tokenPattern.source}`);
  }
  const [id = "", secret = ""] = text.split(".");
  return { id, secret };
}

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** 36 letters in 22 places: 113 bits, of which the secret has 82. */
export function generateToken(random: Random): string {
  const text = (length: number): string => {
    let made = "";
    // Bytes from 252 on are passed over, so that all letters are as likely.
    while (made.length < length) {
      for (const byte of Buffer.from(random.uuid().replaceAll("-", ""), "hex").subarray(9)) {
        if (byte < 252 && made.length < length) made += letters[byte % 36] ?? "";
      }
    }
    return made;
  };
  return `${text(6)}.${text(16)}`;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const plain = (text: string | undefined): string => Buffer.from(text ?? "", "base64").toString();

export const secretNameOf = (id: string): string => `bootstrap-token-${id}`;

export const tokenSecret = (token: BootstrapToken): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "kube-system", name: secretNameOf(token.id) },
  type: tokenSecretType,
  data: {
    "token-id": base64(token.id),
    "token-secret": base64(token.secret),
    ...(token.description === "" ? {} : { description: base64(token.description) }),
    ...(token.expiresAtMs === undefined ? {} : { expiration: base64(rfc3339(token.expiresAtMs)) }),
    ...Object.fromEntries(
      token.usages.map((usage) => [`usage-bootstrap-${usage}`, base64("true")]),
    ),
    ...(token.groups.length === 0 ? {} : { "auth-extra-groups": base64(token.groups.join(",")) }),
  },
});

/** Undefined for a Secret that is no token. */
export function tokenOf({ type, data = {} }: Secret): BootstrapToken | undefined {
  if (type !== tokenSecretType) return undefined;
  const expiration = plain(data["expiration"]);
  return {
    id: plain(data["token-id"]),
    secret: plain(data["token-secret"]),
    description: plain(data["description"]),
    ...(expiration === "" ? {} : { expiresAtMs: Date.parse(expiration) }),
    usages: (["authentication", "signing"] as const).filter(
      (usage) => plain(data[`usage-bootstrap-${usage}`]) === "true",
    ),
    groups: plain(data["auth-extra-groups"])
      .split(",")
      .filter((group) => group !== ""),
  };
}
