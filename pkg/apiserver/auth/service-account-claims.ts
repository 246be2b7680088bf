/** What a ServiceAccount's token says, and whom it makes of its bearer: pure. */
import type { UserInfo } from "../auth-contract.ts";
import { isRecord } from "./json-web-token.ts";

export interface NameAndUid {
  readonly name: string;
  readonly uid: string;
}

/** Times are in seconds since the epoch, as RFC 7519 wants them. */
export interface ServiceAccountClaims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly iss: string;
  readonly jti: string;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly node?: NameAndUid;
    readonly pod?: NameAndUid;
    readonly secret?: NameAndUid;
    readonly serviceaccount: NameAndUid;
    /** Until then the bearer should have fetched a new one; the token lives on for old clients. */
    readonly warnafter?: number;
  };
  readonly nbf: number;
  readonly sub: string;
}

/** Clocks of a cluster's nodes differ by up to this. */
export const leewaySeconds = 60;

const isNameAndUid = (value: unknown): value is NameAndUid =>
  isRecord(value) && typeof value["name"] === "string" && typeof value["uid"] === "string";

/** The claims as this cluster writes them; undefined where a part is missing or of another type. */
export function parseClaims(claims: unknown): ServiceAccountClaims | undefined {
  if (!isRecord(claims)) return undefined;
  const bound = claims["kubernetes.io"];
  if (!isRecord(bound) || typeof bound["namespace"] !== "string") return undefined;
  if (!isNameAndUid(bound["serviceaccount"])) return undefined;
  for (const kind of ["node", "pod", "secret"]) {
    if (bound[kind] !== undefined && !isNameAndUid(bound[kind])) return undefined;
  }
  const isTimed = ["exp", "iat", "nbf"].every((name) => typeof claims[name] === "number");
  const isNamed = ["iss", "jti", "sub"].every((name) => typeof claims[name] === "string");
  if (!isTimed || !isNamed || !isStringList(claims["aud"])) return undefined;
  // Every part was looked at above.
  return claims as unknown as ServiceAccountClaims;
}

const isStringList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

export const serviceAccountUser = (namespace: string, name: string): string =>
  `system:serviceaccount:${namespace}:${name}`;

/** Why the token is not good now, whatever its signature; undefined: it is. */
export function claimsProblem(
  claims: ServiceAccountClaims,
  { issuer, nowMs }: { readonly issuer: string; readonly nowMs: number },
): string | undefined {
  const now = nowMs / 1000;
  const { namespace, serviceaccount } = claims["kubernetes.io"];
  if (claims.iss !== issuer) return "token has another issuer";
  if (claims.sub !== serviceAccountUser(namespace, serviceaccount.name)) {
    return "token's subject is not its ServiceAccount";
  }
  if (now > claims.exp + leewaySeconds) return "service account token has expired";
  if (now < claims.nbf - leewaySeconds) return "service account token is not valid yet";
  return undefined;
}

export function userOfClaims(claims: ServiceAccountClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims["kubernetes.io"];
  const extra = (name: string, value: string | undefined): Record<string, readonly string[]> =>
    value === undefined ? {} : { [`authentication.kubernetes.io/${name}`]: [value] };
  return {
    name: serviceAccountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
    extra: {
      ...extra("credential-id", `JTI=${claims.jti}`),
      ...extra("node-name", node?.name),
      ...extra("node-uid", node?.uid),
      ...extra("pod-name", pod?.name),
      ...extra("pod-uid", pod?.uid),
    },
  };
}
