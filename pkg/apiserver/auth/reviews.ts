/**
 * The kinds that are questions about who is calling and what they may: answered, never stored.
 */
import type { SelfSubjectReview, TokenReview } from "../../../api/authentication/v1.ts";
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from "../../../api/authorization/v1.ts";
import type { UserInfo as ApiUserInfo } from "../../../api/authentication/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
} from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import { invalid, required } from "../../machinery/field-error.ts";
import type { FieldError } from "../../machinery/field-error.ts";
import { badRequest, invalid as invalidKind } from "../../machinery/status.ts";
import type { StatusError } from "../../machinery/status-error.ts";
import { authenticatedGroup, mastersGroup } from "../auth-contract.ts";
import type { Attributes, Authorize, UserInfo } from "../auth-contract.ts";
import type { Review, ReviewContext } from "../connect-contract.ts";
import type { Rbac } from "./rbac.ts";
import type { AuthenticateToken } from "./token-authenticator.ts";

export interface ReviewOptions {
  readonly authorize: Authorize;
  readonly tokens: AuthenticateToken;
  /** What a token must be for when its review does not say. */
  readonly audiences: readonly string[];
  readonly rbac: Pick<Rbac, "rulesFor">;
}

/** All of them, for the server to mount. */
export const authReviews = (options: ReviewOptions): readonly Review[] => [
  review(tokenReviews, (object) => answerTokenReview(object, options)),
  review(selfSubjectReviews, answerSelfSubjectReview),
  review(subjectAccessReviews, (object, context) =>
    answerAccessReview(object, object.spec, userOfSpec(object.spec), { ...context, ...options }),
  ),
  review(localSubjectAccessReviews, (object, context) => {
    const { namespace } = object.spec.resourceAttributes ?? {};
    if (namespace !== context.namespace) {
      const path = "spec.resourceAttributes.namespace";
      throw refused(object, [invalid(path, namespace, "must match metadata.namespace")]);
    }
    const user = userOfSpec(object.spec);
    return answerAccessReview(object, object.spec, user, { ...context, ...options });
  }),
  review(selfSubjectAccessReviews, (object, context) =>
    answerAccessReview(object, object.spec, context.user, { ...context, ...options }),
  ),
  review(selfSubjectRulesReviews, (object, context) => answerRulesReview(object, context, options)),
];

/** The list holds reviews of different kinds; each is only ever given objects of its own. */
const review = <T extends KubeObject>(
  ref: Review<T>["ref"],
  answer: (object: T, context: ReviewContext) => Promise<T>,
): Review => ({ ref, answer }) as unknown as Review;

type AnyAccessReview = SubjectAccessReview | LocalSubjectAccessReview | SelfSubjectAccessReview;

async function answerAccessReview<T extends AnyAccessReview>(
  object: T,
  spec: SubjectAccessReviewSpec,
  user: UserInfo,
  { authorize, signal }: { readonly authorize: Authorize; readonly signal: AbortSignal },
): Promise<T> {
  const errors = specErrors(spec, object.kind !== "SelfSubjectAccessReview");
  if (errors.length > 0) throw refused(object, errors);
  const { allowed, reason } = await authorize(attributesOf(spec, user), signal);
  const status: SubjectAccessReviewStatus = {
    allowed,
    ...(reason === "" ? {} : { reason }),
  };
  return { ...object, status };
}

function specErrors(spec: SubjectAccessReviewSpec, needsUser: boolean): readonly FieldError[] {
  const { resourceAttributes, nonResourceAttributes, user = "", groups = [] } = spec;
  const errors: FieldError[] = [];
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined)) {
    const both = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    errors.push(invalid("spec.resourceAttributes", resourceAttributes ?? null, both));
  }
  if (needsUser && user === "" && groups.length === 0) {
    errors.push(required("spec.user", "at least one of user or group must be specified"));
  }
  return errors;
}

const refused = (object: KubeObject, errors: readonly FieldError[]): StatusError =>
  invalidKind({ group: "authorization.k8s.io", name: object.kind ?? "" }, "", errors);

const userOfSpec = ({ user, uid, groups, extra }: SubjectAccessReviewSpec): UserInfo => ({
  name: user ?? "",
  uid: uid ?? "",
  groups: groups ?? [],
  extra: extra ?? {},
});

function attributesOf(spec: SubjectAccessReviewSpec, user: UserInfo): Attributes {
  const { resourceAttributes: asked, nonResourceAttributes } = spec;
  const nothing = {
    apiGroup: "",
    apiVersion: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
  };
  if (asked === undefined) {
    const { verb = "", path = "" } = nonResourceAttributes ?? {};
    return { ...nothing, user, verb, path, resourceRequest: false };
  }
  return {
    user,
    verb: asked.verb ?? "",
    resourceRequest: true,
    path: "",
    apiGroup: asked.group ?? "",
    apiVersion: asked.version ?? "",
    resource: asked.resource ?? "",
    subresource: asked.subresource ?? "",
    namespace: asked.namespace ?? "",
    name: asked.name ?? "",
  };
}

const apiUser = ({ name, uid, groups, extra }: UserInfo): ApiUserInfo => ({
  username: name,
  ...(uid === "" ? {} : { uid }),
  groups,
  ...(Object.keys(extra).length === 0 ? {} : { extra }),
});

const answerSelfSubjectReview = (
  object: SelfSubjectReview,
  { user }: ReviewContext,
): Promise<SelfSubjectReview> =>
  Promise.resolve({ ...object, status: { userInfo: apiUser(user) } });

/** A wrong token is an answer, not an error: the review itself went well. */
async function answerTokenReview(
  object: TokenReview,
  { tokens, audiences }: ReviewOptions,
): Promise<TokenReview> {
  const { token, audiences: asked = [] } = object.spec;
  if (token === "") throw badRequest("token is required for TokenReview");
  try {
    const wanted = asked.length === 0 ? audiences : asked;
    const found = await tokens(token, wanted, new AbortController().signal);
    if (found === undefined) return { ...object, status: { user: {} } };
    const groups = [...found.user.groups, authenticatedGroup];
    const user = apiUser({ ...found.user, groups });
    return { ...object, status: { authenticated: true, user, audiences: found.audiences } };
  } catch (error) {
    const because = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { ...object, status: { user: {}, error: chainOf(because) } };
  }
}

const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };

function answerRulesReview(
  object: SelfSubjectRulesReview,
  { user }: ReviewContext,
  { rbac }: ReviewOptions,
): Promise<SelfSubjectRulesReview> {
  const { namespace = "" } = object.spec;
  if (namespace === "") throw badRequest("no namespace on request");
  const isMaster = user.groups.includes(mastersGroup);
  const rules = rbac.rulesFor(user, namespace);
  const own = rules.filter(({ nonResourceURLs }) => nonResourceURLs === undefined);
  const paths = rules.filter(({ nonResourceURLs }) => nonResourceURLs !== undefined);
  const status = {
    resourceRules: [...(isMaster ? [everything] : []), ...own],
    nonResourceRules: [
      ...(isMaster ? [{ verbs: ["*"], nonResourceURLs: ["*"] }] : []),
      ...paths.map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
    ],
    incomplete: false,
  };
  return Promise.resolve({ ...object, status });
}
