/**
 * Acting as another: Impersonate-User, -Uid, -Group and -Extra-*. Each of them is a question to the
 * authoriser about the real caller: may it impersonate this user, this group?
 */
import { StatusError } from "../../machinery/status-error.ts";
import {
  anonymous,
  type Attributes,
  authenticatedGroup,
  type Authorize,
  type UserInfo,
} from "../auth-contract.ts";
import type { ApiFilter } from "../api-request.ts";
import { describeAttempt } from "./authorization.ts";

type Headers = Readonly<Record<string, string | undefined>>;

/** What the headers ask for, if anything. Throws when they are half given. */
export function parseImpersonation(headers: Headers): UserInfo | undefined {
  const name = headers["impersonate-user"] ?? "";
  const groups = words(headers["impersonate-group"]);
  const uid = headers["impersonate-uid"] ?? "";
  const extra: Record<string, readonly string[]> = {};
  for (const header in headers) {
    if (!header.startsWith("impersonate-extra-")) continue;
    extra[decodeURIComponent(header.slice("impersonate-extra-".length))] = words(headers[header]);
  }
  if (name !== "") return { name, uid, groups, extra };
  if (groups.length === 0 && uid === "" && Object.keys(extra).length === 0) return undefined;
  throw new StatusError(
    "InternalError",
    "Internal error occurred: requested impersonation of a group, uid or extra without a user",
  );
}

const words = (header: string | undefined): readonly string[] =>
  header === undefined || header === "" ? [] : header.split(",").map((word) => word.trim());

const accountPrefix = "system:serviceaccount:";

interface Question {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

function questionsOf(wanted: UserInfo): readonly Question[] {
  const about = (resource: string, name: string, subresource = "", group = "") => ({
    group,
    resource,
    subresource,
    namespace: "",
    name,
  });
  const [namespace = "", account = ""] = wanted.name.startsWith(accountPrefix)
    ? wanted.name.slice(accountPrefix.length).split(":")
    : [];
  const user =
    account === ""
      ? about("users", wanted.name)
      : { ...about("serviceaccounts", account), namespace };
  const identity = "authentication.k8s.io";
  return [
    user,
    ...wanted.groups.map((group) => about("groups", group)),
    ...(wanted.uid === "" ? [] : [about("uids", wanted.uid, "", identity)]),
    ...Object.entries(wanted.extra).flatMap(([key, values]) =>
      values.map((value) => about("userextras", value, key, identity)),
    ),
  ];
}

/** Groups that every caller of its kind is in, asked for or not. */
function completed(wanted: UserInfo): UserInfo {
  if (wanted.name === anonymous.name) return anonymous;
  const [namespace] = wanted.name.startsWith(accountPrefix)
    ? wanted.name.slice(accountPrefix.length).split(":")
    : [];
  const own =
    namespace === undefined || wanted.groups.length > 0
      ? wanted.groups
      : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  const groups = own.includes(authenticatedGroup) ? own : [...own, authenticatedGroup];
  return { ...wanted, groups };
}

export const withImpersonation =
  (authorize: Authorize): ApiFilter =>
  (next) =>
  async (request) => {
    const wanted = parseImpersonation(request.wire.headers);
    if (wanted === undefined) return next(request);
    for (const { group, ...question } of questionsOf(wanted)) {
      const attributes: Attributes = {
        user: request.user,
        verb: "impersonate",
        resourceRequest: true,
        path: request.info.path,
        apiGroup: group,
        apiVersion: "v1",
        ...question,
      };
      const { allowed, reason } = await authorize(attributes, request.signal);
      if (!allowed) throw new StatusError("Forbidden", describeAttempt(attributes, reason));
    }
    request.user = completed(wanted);
    return next(request);
  };
