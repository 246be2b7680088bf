/**
 * Who is calling, and may they: the two questions that the request chain asks, as functions. They
 * are answered in `auth/`; the chain knows only these types.
 */
import type { WireRequest } from "../base/wire.ts";

/** As `authentication.k8s.io/v1 UserInfo`. */
export interface UserInfo {
  readonly name: string;
  /** "" where the authenticator knows none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What there is to tell a caller by; a WireRequest and an UpgradeRequest both have it. */
export type Credentials = Pick<WireRequest, "path" | "headers" | "peer">;

/**
 * Undefined: no credentials of the kind that this authenticator knows; the chain then makes the
 * caller anonymous. Throws StatusError "Unauthorized" when there are some and they are not good.
 * The result never lists system:authenticated: the chain adds it.
 */
export type Authenticate = (
  request: Credentials,
  signal: AbortSignal,
) => Promise<UserInfo | undefined>;

export const anonymous: UserInfo = {
  name: "system:anonymous",
  uid: "",
  groups: ["system:unauthenticated"],
  extra: {},
};
export const authenticatedGroup = "system:authenticated";
/** Members may do everything, whatever the authoriser says. */
export const mastersGroup = "system:masters";

/** What is asked for, as upstream's authoriser attributes. */
export interface Attributes {
  readonly user: UserInfo;
  /**
   * get, list, watch, create, update, patch, delete, deletecollection, impersonate, bind, …;
   * for paths the HTTP method in lower case.
   */
  readonly verb: string;
  /** False: `path` says what is asked for, and the fields below it are "". */
  readonly resourceRequest: boolean;
  /** Without the query. */
  readonly path: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** Plural: pods. */
  readonly resource: string;
  /** "" when none. */
  readonly subresource: string;
  /** "" for cluster-scoped kinds and for all namespaces. */
  readonly namespace: string;
  /** "" when the request names none (list, create). */
  readonly name: string;
  /** Selectors of list, watch and deletecollection as sent: the node authoriser needs them. */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** For the audit log and, when refused, for the caller; "" when there is nothing to say. */
  readonly reason: string;
}

export type Authorize = (attributes: Attributes, signal: AbortSignal) => Promise<Decision>;
