/**
 * What the generic store does not serve: kinds that are questions (TokenReview), and subresources
 * that are calls (serviceaccounts/token) or connections (pods/log, pods/exec).
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { ServiceAccount } from "../../api/core/v1.ts";
import type { TokenRequest } from "../../api/authentication/v1.ts";
import type { WireRequest, WireResponse } from "../base/wire.ts";
import type { UpgradeRequest } from "../serving/server-contract.ts";
import type { UserInfo } from "./auth-contract.ts";

export interface ReviewContext {
  readonly user: UserInfo;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** A kind that is answered and never stored: TokenReview, SubjectAccessReview and the like. */
export interface Review<T extends KubeObject = KubeObject> {
  readonly ref: ResourceRef<T>;
  /** The object with its status filled in. */
  readonly answer: (object: T, context: ReviewContext) => Promise<T>;
}

/** POST serviceaccounts/x/token: the request with status.token and status.expirationTimestamp. */
export type IssueToken = (
  account: ServiceAccount,
  request: TokenRequest,
  signal: AbortSignal,
) => Promise<TokenRequest>;

/** An authorised request for one of the subresources that end at a kubelet or in a pod. */
export interface ProxyTarget {
  /** Plural: pods, nodes, services. */
  readonly resource: string;
  readonly subresource: "log" | "exec" | "attach" | "portforward" | "proxy";
  /** "" for nodes. */
  readonly namespace: string;
  readonly name: string;
  /** What follows /proxy in the path, with its leading "/" when there is any; else "". */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
}

export interface NodeProxy {
  /** Plain answers: logs (a stream with ?follow=true) and /proxy. Throws StatusError. */
  respond(request: WireRequest, target: ProxyTarget): Promise<WireResponse>;
  /** Takes the connection over: exec, attach, portforward, upgrades through /proxy. */
  upgrade(request: UpgradeRequest, target: ProxyTarget): Promise<void>;
}
