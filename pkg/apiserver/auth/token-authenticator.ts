import { StatusError } from "../../machinery/status-error.ts";
import type { Authenticate, UserInfo } from "../auth-contract.ts";

export interface Authenticated {
  readonly user: UserInfo;
  /** Those of the wanted audiences that the token is for; empty: it knows of none. */
  readonly audiences: readonly string[];
}

/**
 * Who the bearer of a token is. Undefined: the token is of another kind. Throws StatusError
 * "Unauthorized" where it is of this kind and not good.
 */
export type AuthenticateToken = (
  token: string,
  audiences: readonly string[],
  signal: AbortSignal,
) => Promise<Authenticated | undefined>;

export const unauthorized = (because: string): StatusError =>
  new StatusError("Unauthorized", "Unauthorized", {}, { cause: new Error(because) });

const scheme = /^bearer +(\S+) *$/i;

/** The token of an Authorization header. */
export const bearerToken = (headers: Readonly<Record<string, string | undefined>>) =>
  scheme.exec(headers["authorization"] ?? "")?.[1];

/** Tries each kind of token in turn. A token that none of them knows is refused. */
export const anyToken =
  (kinds: readonly AuthenticateToken[]): AuthenticateToken =>
  async (token, audiences, signal) => {
    for (const authenticate of kinds) {
      const found = await authenticate(token, audiences, signal);
      if (found !== undefined) return found;
    }
    throw unauthorized("invalid bearer token");
  };

/** Makes an authenticator of requests out of one of tokens, for the server's own audiences. */
export const authenticateBearer =
  (tokens: AuthenticateToken, audiences: readonly string[]): Authenticate =>
  async ({ headers }, signal) => {
    const token = bearerToken(headers);
    if (token === undefined) return undefined;
    return (await tokens(token, audiences, signal))?.user;
  };
