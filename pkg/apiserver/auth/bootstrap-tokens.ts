import { createHash, timingSafeEqual } from "node:crypto";
import { secrets } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import {
  bootstrappersGroup,
  bootstrapSecretName,
  bootstrapTokenNamespace,
  bootstrapTokenOf,
  bootstrapUserPrefix,
  parseBootstrapToken,
} from "../../machinery/bootstrap-token.ts";
import type { Objects } from "../objects-contract.ts";
import type { AuthenticateToken } from "./token-authenticator.ts";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** In the same time wherever they differ. */
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

/**
 * The bearer of a bootstrap token is system:bootstrap:<id> in system:bootstrappers. A token that is
 * unknown, over or not for this is nobody's, and told apart from no other.
 */
export const bootstrapTokens =
  ({ objects, clock }: { readonly objects: Objects; readonly clock: Clock }): AuthenticateToken =>
  (text, audiences) => {
    const said = parseBootstrapToken(text);
    if (said === undefined) return Promise.resolve(undefined);
    const key = { namespace: bootstrapTokenNamespace, name: bootstrapSecretName(said.id) };
    const secret = objects.get(secrets, key);
    if (secret === undefined || secret.metadata?.deletionTimestamp !== undefined) {
      return Promise.resolve(undefined);
    }
    const token = bootstrapTokenOf(secret);
    const isGood =
      token !== undefined &&
      isSame(said.secret, token.secret) &&
      token.expiresAtMs > clock.now() &&
      token.usages.includes("authentication");
    if (!isGood) return Promise.resolve(undefined);
    const groups = [...new Set([bootstrappersGroup, ...token.extraGroups])].sort();
    const user = { name: `${bootstrapUserPrefix}${token.id}`, uid: "", groups, extra: {} };
    return Promise.resolve({ user, audiences });
  };
