import type { ServiceAccount } from "../../../api/core/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import { nodes, pods, secrets, serviceAccounts } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import type { Objects } from "../objects-contract.ts";
import { peekClaims, verifyToken, type TokenKey } from "./json-web-token.ts";
import {
  claimsProblem,
  leewaySeconds,
  parseClaims,
  userOfClaims,
  type NameAndUid,
  type ServiceAccountClaims,
} from "./service-account-claims.ts";
import { isRecord } from "./json-web-token.ts";
import { unauthorized, type AuthenticateToken } from "./token-authenticator.ts";

export interface TokenAuthenticatorOptions {
  /** https://kubernetes.default.svc.cluster.local */
  readonly issuer: string;
  /** Several while a key is being replaced. */
  readonly keys: readonly TokenKey[];
  readonly objects: Objects;
  readonly clock: Clock;
}

/** Tokens whose signature was found good, so that it is looked at once and not at every request. */
const verifiedTokensMax = 10_000;

/**
 * ServiceAccount tokens. The signature is checked once a token; whether the account, and the pod,
 * node or secret that the token is bound to, still exist is checked at every request.
 */
export function serviceAccountTokens(options: TokenAuthenticatorOptions): AuthenticateToken {
  const verified = new Map<string, ServiceAccountClaims>();
  const claimsOf = (token: string): ServiceAccountClaims => {
    const known = verified.get(token);
    if (known !== undefined) return known;
    const claims = parseClaims(verifyToken(token, options.keys));
    if (claims === undefined) throw unauthorized("token is not signed with a key of this cluster");
    // The oldest goes: a Map keeps the order in which tokens came.
    const [oldest] = verified.size < verifiedTokensMax ? [] : verified.keys();
    if (oldest !== undefined) verified.delete(oldest);
    verified.set(token, claims);
    return claims;
  };
  return async (token, audiences, signal) => {
    const { issuer, objects } = options;
    const peeked = peekClaims(token);
    if (!isRecord(peeked) || peeked["iss"] !== issuer) return undefined;
    const claims = claimsOf(token);
    const nowMs = options.clock.now();
    const problem = claimsProblem(claims, { issuer, nowMs });
    if (problem !== undefined) throw unauthorized(problem);
    const meant = audiences.filter((audience) => claims.aud.includes(audience));
    if (meant.length === 0) throw unauthorized(`token audiences ${claims.aud.join(", ")}`);
    await checkBound(claims, objects, { nowMs, signal });
    return { user: userOfClaims(claims), audiences: meant };
  };
}

async function checkBound(
  claims: ServiceAccountClaims,
  objects: Objects,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { namespace, serviceaccount, pod, node, secret } = claims["kubernetes.io"];
  const check = async (
    ref: ResourceRef<KubeObject>,
    { name, uid }: NameAndUid,
    inNamespace?: string,
  ): Promise<void> => {
    const key = inNamespace === undefined ? { name } : { namespace: inNamespace, name };
    // The cache may be behind a creation: only storage can say that there is none.
    const cached = objects.get(ref, key);
    const found = cached?.metadata?.uid === uid ? cached : await objects.read(ref, key, signal);
    if (found?.metadata?.uid !== uid) throw unauthorized(`${ref.singular} ${name} is gone`);
    const deletion = found.metadata.deletionTimestamp;
    if (deletion !== undefined && Date.parse(deletion) + leewaySeconds * 1000 < nowMs) {
      throw unauthorized(`${ref.singular} ${name} is being deleted`);
    }
  };
  await check(serviceAccounts, serviceaccount, namespace);
  if (pod !== undefined) await check(pods, pod, namespace);
  if (secret !== undefined) await check(secrets, secret, namespace);
  // A node beside a pod is for information: the pod's life ends with it anyway.
  if (node !== undefined && pod === undefined) await check(nodes, node);
}

export const accountOf = (
  account: ServiceAccount,
): NameAndUid & { readonly namespace: string } => ({
  namespace: account.metadata?.namespace ?? "",
  name: account.metadata?.name ?? "",
  uid: account.metadata?.uid ?? "",
});
