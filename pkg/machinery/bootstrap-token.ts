/**
 * Bootstrap tokens: what a new machine proves itself with until it has a certificate. One is a
 * Secret in kube-system, bootstrap-token-<id>, of type bootstrap.kubernetes.io/token; who has it
 * says "<id>.<secret>". Pure.
 */
import type { Secret } from "../../api/core/v1.ts";

export const bootstrapTokenType = "bootstrap.kubernetes.io/token";
export const bootstrapTokenNamespace = "kube-system";
/** Every bearer is a member; further groups are below it. */
export const bootstrappersGroup = "system:bootstrappers";
export const bootstrapUserPrefix = "system:bootstrap:";

/** Where strangers learn of the cluster, and whose signatures tell that it is the right one. */
export const clusterInfo = {
  namespace: "kube-public",
  name: "cluster-info",
  /** The key of its kubeconfig: server and authority, no credentials. */
  kubeconfigKey: "kubeconfig",
  /** In front of a token's id: the key of the signature with that token. */
  signaturePrefix: "jws-kubeconfig-",
} as const;

const secretPrefix = "bootstrap-token-";
const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const idPattern = /^[a-z0-9]{6}$/;
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

export interface TokenText {
  /** Six characters, known to everybody. */
  readonly id: string;
  /** Sixteen characters. */
  readonly secret: string;
}

/** Undefined: not of the form "abcdef.0123456789abcdef". */
export function parseBootstrapToken(text: string): TokenText | undefined {
  const [, id, secret] = tokenPattern.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export const bootstrapSecretName = (id: string): string => `${secretPrefix}${id}`;

export interface BootstrapToken extends TokenText {
  readonly description: string;
  /** Milliseconds since the epoch; Infinity: never; 0 where it cannot be read. */
  readonly expiresAtMs: number;
  readonly usages: readonly ("signing" | "authentication")[];
  /** Beside system:bootstrappers. */
  readonly extraGroups: readonly string[];
}

const decoder = new TextDecoder();
const textOf = (base64: string | undefined): string =>
  base64 === undefined
    ? ""
    : decoder.decode(Uint8Array.from(atob(base64), (one) => one.codePointAt(0) ?? 0));

/** Undefined: no bootstrap token, or one that nobody could use: each rule as upstream has it. */
export function bootstrapTokenOf(secret: Secret): BootstrapToken | undefined {
  const { metadata = {}, type, data = {} } = secret;
  const read = (key: string): string => textOf(data[key]);
  const [id, token] = [read("token-id"), read("token-secret")];
  const isOne = type === bootstrapTokenType && metadata.name === bootstrapSecretName(id);
  if (!isOne || !idPattern.test(id) || token === "") return undefined;
  const groups = read("auth-extra-groups");
  const extraGroups = groups === "" ? [] : groups.split(",");
  if (extraGroups.some((group) => !groupPattern.test(group))) return undefined;
  return {
    id,
    secret: token,
    description: read("description"),
    expiresAtMs: bootstrapExpiryMs(secret),
    usages: (["signing", "authentication"] as const).filter(
      (usage) => read(`usage-bootstrap-${usage}`) === "true",
    ),
    extraGroups,
  };
}

/** As BootstrapToken.expiresAtMs, also of a Secret that is otherwise no good. */
export function bootstrapExpiryMs({ data = {} }: Secret): number {
  const text = textOf(data["expiration"]);
  if (text === "") return Infinity;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? 0 : ms;
}

/** The Secret of a token. Throws where a group is not below system:bootstrappers. */
export function bootstrapSecret(token: BootstrapToken): Secret {
  const wrong = token.extraGroups.find((group) => !groupPattern.test(group));
  if (wrong !== undefined) {
    throw new Error(`bootstrap group ${JSON.stringify(wrong)} is not below ${bootstrappersGroup}:`);
  }
  const { id, secret, description, expiresAtMs } = token;
  const expiration = new Date(Number.isFinite(expiresAtMs) ? expiresAtMs : 0).toISOString();
  const stringData = {
    "token-id": id,
    "token-secret": secret,
    ...(description === "" ? {} : { description }),
    ...(expiresAtMs === Infinity ? {} : { expiration: `${expiration.slice(0, 19)}Z` }),
    ...Object.fromEntries(token.usages.map((usage) => [`usage-bootstrap-${usage}`, "true"])),
    ...(token.extraGroups.length === 0 ? {} : { "auth-extra-groups": token.extraGroups.join(",") }),
  };
  const name = bootstrapSecretName(id);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: bootstrapTokenNamespace },
    type: bootstrapTokenType,
    stringData,
  };
}
