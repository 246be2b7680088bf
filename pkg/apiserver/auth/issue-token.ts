import type { BoundObjectReference, TokenRequest } from "../../../api/authentication/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import { nodes, pods, secrets } from "../../../api/resources.ts";
import { rfc3339, type Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { invalid } from "../../machinery/field-error.ts";
import { badRequest, conflict, invalid as invalidKind, notFound } from "../../machinery/status.ts";
import type { StatusError } from "../../machinery/status-error.ts";
import type { IssueToken } from "../connect-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { signToken, type TokenSigningKey } from "./json-web-token.ts";
import {
  serviceAccountUser,
  type NameAndUid,
  type ServiceAccountClaims,
} from "./service-account-claims.ts";
import { accountOf } from "./service-account-tokens.ts";

export interface TokenIssuerOptions {
  readonly issuer: string;
  /** What a token is for when its request does not say. */
  readonly audiences: readonly string[];
  readonly key: TokenSigningKey;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly random: Random;
}

export const tokenLimits = {
  defaultSeconds: 3600,
  minSeconds: 600,
  maxSeconds: 2 ** 32,
  /**
   * What kubelets ask for on behalf of pods; those tokens live on for clients that never reload.
   */
  kubeletSeconds: 3607,
  extendedSeconds: 365 * 24 * 3600,
} as const;

/** POST serviceaccounts/x/token. */
export const tokenIssuer =
  (options: TokenIssuerOptions): IssueToken =>
  async (account, request, signal) => {
    const owner = accountOf(account);
    const { boundObjectRef, audiences = [] } = request.spec ?? {};
    const seconds = request.spec?.expirationSeconds ?? tokenLimits.defaultSeconds;
    checkSeconds(seconds, request);
    const bound = await findBound(options.objects, owner, boundObjectRef, signal);
    const iat = Math.floor(options.clock.now() / 1000);
    const meant = audiences.length === 0 ? options.audiences : audiences;
    // Only for the server's own audiences: others were not written when tokens had no end.
    const isExtended =
      seconds === tokenLimits.kubeletSeconds &&
      meant.every((one) => options.audiences.includes(one));
    const claims: ServiceAccountClaims = {
      aud: meant,
      exp: iat + (isExtended ? tokenLimits.extendedSeconds : seconds),
      iat,
      iss: options.issuer,
      jti: options.random.uuid(),
      "kubernetes.io": {
        namespace: owner.namespace,
        ...bound,
        serviceaccount: { name: owner.name, uid: owner.uid },
        ...(isExtended ? { warnafter: iat + seconds } : {}),
      },
      nbf: iat,
      sub: serviceAccountUser(owner.namespace, owner.name),
    };
    return {
      ...request,
      metadata: { ...request.metadata, name: owner.name, namespace: owner.namespace },
      spec: { ...request.spec, audiences: meant, expirationSeconds: seconds },
      status: {
        token: signToken(claims, options.key),
        expirationTimestamp: rfc3339((iat + seconds) * 1000),
      },
    };
  };

function checkSeconds(seconds: number, request: TokenRequest): void {
  const path = "spec.expirationSeconds";
  const { minSeconds, maxSeconds } = tokenLimits;
  const error =
    seconds < minSeconds
      ? invalid(path, seconds, "may not specify a duration less than 10 minutes")
      : seconds > maxSeconds
        ? invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")
        : undefined;
  if (error === undefined) return;
  const kind = { group: "authentication.k8s.io", name: "TokenRequest" };
  throw invalidKind(kind, request.metadata?.name ?? "", [error]);
}

type Bound = Partial<Record<"pod" | "node" | "secret", NameAndUid>>;

/**
 * What the token will die with. Pods are read from storage: a kubelet asks as soon as it sees one.
 */
async function findBound(
  objects: Objects,
  owner: { readonly namespace: string; readonly name: string },
  wanted: BoundObjectReference | undefined,
  signal: AbortSignal,
): Promise<Bound> {
  if (wanted === undefined) return {};
  const { kind = "", apiVersion = "", name = "", uid } = wanted;
  const find = async <T extends KubeObject>(
    ref: ResourceRef<T>,
    namespace?: string,
  ): Promise<readonly [T, NameAndUid]> => {
    const key = namespace === undefined ? { name } : { namespace, name };
    const found = await objects.read(ref, key, signal);
    if (found === undefined) {
      throw notFound({ group: ref.group, name: ref.plural }, name);
    }
    const actual = found.metadata?.uid ?? "";
    if (uid !== undefined && uid !== "" && uid !== actual) throw otherUid(wanted, actual);
    return [found, { name, uid: actual }];
  };
  if (apiVersion !== "v1") throw cannotBind(wanted);
  if (kind === "Secret") return { secret: (await find(secrets, owner.namespace))[1] };
  if (kind === "Node") return { node: (await find(nodes))[1] };
  if (kind !== "Pod") throw cannotBind(wanted);
  const [pod, reference] = await find(pods, owner.namespace);
  if (pod.spec?.serviceAccountName !== owner.name) {
    const message =
      `cannot bind token for serviceaccount "${owner.name}" to pod running with ` +
      "different serviceaccount name.";
    throw badRequest(message);
  }
  const nodeName = pod.spec.nodeName ?? "";
  const node = nodeName === "" ? undefined : objects.get(nodes, { name: nodeName });
  const uidOfNode = node?.metadata?.uid;
  return {
    ...(uidOfNode === undefined ? {} : { node: { name: nodeName, uid: uidOfNode } }),
    pod: reference,
  };
}

const cannotBind = ({ apiVersion = "", kind = "" }: BoundObjectReference): StatusError =>
  badRequest(`cannot bind token for object of type ${apiVersion}, Kind=${kind}`);

const otherUid = ({ kind = "", name = "", uid = "" }: BoundObjectReference, actual: string) =>
  conflict(
    { group: "", name: kind },
    name,
    `the UID in the bound object reference (${uid}) does not match the UID in record ` +
      `(${actual}). ` +
      "The object might have been deleted and then recreated",
  );
