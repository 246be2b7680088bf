import { isReason } from "../../machinery/status-error.ts";
import type { Authenticate, UserInfo } from "../auth-contract.ts";
import { unauthorized, type AuthenticateToken } from "./token-authenticator.ts";

/** The user is the client certificate's CN, the groups its Os. */
export const authenticateCertificate: Authenticate = ({ peer }) => {
  const { certificate, rejectedCertificate } = peer;
  if (rejectedCertificate !== undefined) {
    return Promise.reject(unauthorized(`client certificate: ${rejectedCertificate}`));
  }
  if (certificate === undefined || certificate.commonName === "") return Promise.resolve(undefined);
  const { commonName, organizations } = certificate;
  return Promise.resolve({ name: commonName, uid: "", groups: organizations, extra: {} });
};

/**
 * The first that knows the caller decides. Wrong credentials of one kind do not spoil good ones of
 * another: they count only when nobody knows the caller.
 */
export const firstOf =
  (authenticators: readonly Authenticate[]): Authenticate =>
  async (request, signal) => {
    let refusal: unknown;
    for (const authenticate of authenticators) {
      try {
        const user = await authenticate(request, signal);
        if (user !== undefined) return user;
      } catch (error) {
        if (!isReason(error, "Unauthorized")) throw error;
        refusal ??= error;
      }
    }
    if (refusal !== undefined) throw refusal;
    return undefined;
  };

/**
 * Reads a --token-auth-file: lines of token,user,uid,"group1,group2". Throws with the line's number
 * where one has fewer than three columns.
 */
export function parseTokenFile(text: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>();
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [token = "", name, uid, groups = ""] = csvColumns(line);
    if (name === undefined || uid === undefined) {
      throw new Error(`token file, line ${at + 1}: expected token,user,uid[,"groups"]`);
    }
    if (token === "") throw new Error(`token file, line ${at + 1}: the token is empty`);
    const list = groups.split(",").map((group) => group.trim());
    users.set(token, { name, uid, groups: list.filter((group) => group !== ""), extra: {} });
  }
  return users;
}

/** Columns of one line of CSV; a quoted one may hold commas, and "" stands for a quote. */
const csvColumns = (line: string): readonly string[] =>
  [...`${line},`.matchAll(/\s*(?:"((?:[^"]|"")*)"\s*|([^,]*)),/g)].map(
    ([, quoted, plain = ""]) => quoted?.replaceAll('""', '"') ?? plain.trim(),
  );

/** Tokens from a file, which know of no audience. */
export const staticTokens =
  (users: ReadonlyMap<string, UserInfo>): AuthenticateToken =>
  (token, audiences) => {
    const user = users.get(token);
    return Promise.resolve(user === undefined ? undefined : { user, audiences });
  };
