/** Who is calling: what the authenticator knows, or nobody in particular. */
import {
  anonymous,
  type Authenticate,
  authenticatedGroup,
  type UserInfo,
} from "../auth-contract.ts";
import type { ApiFilter } from "../api-request.ts";

export const withAuthenticatedGroup = (user: UserInfo): UserInfo =>
  user.groups.includes(authenticatedGroup) || user.name === anonymous.name
    ? user
    : { ...user, groups: [...user.groups, authenticatedGroup] };

export const withAuthentication =
  (authenticate: Authenticate): ApiFilter =>
  (next) =>
  async (request) => {
    const user = await authenticate(request.wire, request.signal);
    if (user !== undefined) request.user = withAuthenticatedGroup(user);
    return next(request);
  };
