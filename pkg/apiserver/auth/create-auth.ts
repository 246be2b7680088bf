import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { WireResponse } from "../../base/wire.ts";
import type { Authenticate, Authorize, UserInfo } from "../auth-contract.ts";
import type { IssueToken, Review } from "../connect-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { authenticateCertificate, firstOf, staticTokens } from "./authenticators.ts";
import { bootstrapTokens } from "./bootstrap-tokens.ts";
import { tokenIssuer } from "./issue-token.ts";
import type { TokenKey, TokenSigningKey } from "./json-web-token.ts";
import { nodeAuthorizer } from "./node-authorizer.ts";
import { oidcDocuments } from "./oidc-documents.ts";
import { anyOf, mastersMay, rbac, type Rbac } from "./rbac.ts";
import { authReviews } from "./reviews.ts";
import { serviceAccountTokens } from "./service-account-tokens.ts";
import { anyToken, authenticateBearer, type AuthenticateToken } from "./token-authenticator.ts";

export interface AuthOptions {
  readonly objects: Objects;
  readonly clock: Clock;
  readonly random: Random;
  /** Of ServiceAccount tokens, and their audience: https://kubernetes.default.svc.cluster.local */
  readonly issuer: string;
  readonly signingKey: TokenSigningKey;
  /** Keys that verify beside the signing one, while it is being replaced. */
  readonly otherKeys?: readonly TokenKey[];
  /** Where strangers find the keys: https://10.0.0.1:6443/openid/v1/jwks */
  readonly jwksUri: string;
  /** Of --token-auth-file. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
}

/** Everything that the request chain asks of this room, over one server's objects. */
export interface Auth {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly issueToken: IssueToken;
  readonly reviews: readonly Review[];
  /** /openid/v1/jwks and /.well-known/openid-configuration. */
  readonly documents: ReadonlyMap<string, WireResponse>;
  /** For checks that nobody grants what they do not have. */
  readonly rbac: Rbac;
}

export function createAuth(options: AuthOptions): Auth {
  const { objects, clock, random, issuer, signingKey, otherKeys = [], jwksUri } = options;
  const audiences = [issuer];
  const keys: readonly TokenKey[] = [signingKey, ...otherKeys];
  const kinds: readonly AuthenticateToken[] = [
    ...(options.tokens === undefined ? [] : [staticTokens(options.tokens)]),
    serviceAccountTokens({ issuer, keys, objects, clock }),
    bootstrapTokens({ objects, clock }),
  ];
  const tokens = anyToken(kinds);
  const roles = rbac(objects);
  const authorize = anyOf([mastersMay, nodeAuthorizer(objects), roles.authorize]);
  return {
    authenticate: firstOf([authenticateCertificate, authenticateBearer(tokens, audiences)]),
    authorize,
    issueToken: tokenIssuer({ issuer, audiences, key: signingKey, objects, clock, random }),
    reviews: authReviews({ authorize, tokens, audiences, rbac: roles }),
    documents: oidcDocuments({ issuer, jwksUri, keys }),
    rbac: roles,
  };
}
