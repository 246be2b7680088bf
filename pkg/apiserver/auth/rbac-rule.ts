/** One rule of a role against one request: pure, and quick enough for every request. */
import type { PolicyRule } from "../../../api/rbac/v1.ts";
import type { Attributes } from "../auth-contract.ts";

/** What of a request the rules look at. */
export type Asked = Pick<
  Attributes,
  "verb" | "resourceRequest" | "path" | "apiGroup" | "resource" | "subresource" | "name"
>;

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list?.includes(value) === true || list?.includes("*") === true;

/** True when the rule allows what is asked for. */
export function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (!asked.resourceRequest) return (rule.nonResourceURLs ?? []).some(covers(asked.path));
  return (
    has(rule.apiGroups, asked.apiGroup) &&
    coversResource(rule.resources ?? [], asked) &&
    coversName(rule.resourceNames, asked.name)
  );
}

/** "/healthz" is itself, "/healthz/*" what begins with it, "*" every path. */
const covers =
  (path: string) =>
  (url: string): boolean =>
    url === "*" || url === path || (url.endsWith("*") && path.startsWith(url.slice(0, -1)));

/**
 * "pods", "pods/log", "*" for everything, or an asterisk before "/scale" for every kind that has
 * it.
 */
function coversResource(resources: readonly string[], { resource, subresource }: Asked): boolean {
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  if (has(resources, whole)) return true;
  return subresource !== "" && resources.includes(`*/${subresource}`);
}

/** A rule with names says nothing about requests without one: list, create. */
const coversName = (names: readonly string[] | undefined, name: string): boolean =>
  names === undefined || names.length === 0 || names.includes(name);

/**
 * True when everything that `wanted` allows is allowed by one of the `owned` rules: what somebody
 * may grant is what they have.
 */
export function rulesCover(owned: readonly PolicyRule[], wanted: PolicyRule): boolean {
  return singles(wanted).every((single) => owned.some((rule) => coversSingle(rule, single)));
}

/** A rule taken apart: one verb, one group, one resource (or path), one name at most. */
function singles({ verbs, ...rule }: PolicyRule): readonly PolicyRule[] {
  const paths = (rule.nonResourceURLs ?? []).flatMap((path) =>
    verbs.map((verb): PolicyRule => ({ verbs: [verb], nonResourceURLs: [path] })),
  );
  const names = rule.resourceNames ?? [];
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      verbs.map((verb) => ({ verbs: [verb], apiGroups: [group], resources: [resource] })),
    ),
  );
  const named =
    names.length === 0
      ? resources
      : resources.flatMap((one) => names.map((name) => ({ ...one, resourceNames: [name] })));
  return [...paths, ...named];
}

function coversSingle(rule: PolicyRule, single: PolicyRule): boolean {
  const [verb = ""] = single.verbs;
  if (!has(rule.verbs, verb)) return false;
  const [path] = single.nonResourceURLs ?? [];
  if (path !== undefined) return (rule.nonResourceURLs ?? []).some(covers(path));
  const [group = ""] = single.apiGroups ?? [];
  const [whole = ""] = single.resources ?? [];
  const [resource = "", subresource = ""] = whole.split("/");
  const [name] = single.resourceNames ?? [];
  const names = rule.resourceNames ?? [];
  return (
    has(rule.apiGroups, group) &&
    (has(rule.resources, whole) ||
      (resource !== "*" && coversResource(rule.resources ?? [], at(resource, subresource)))) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

const at = (resource: string, subresource: string): Asked => ({
  verb: "",
  resourceRequest: true,
  path: "",
  apiGroup: "",
  resource,
  subresource,
  name: "",
});

/** {APIGroups:[""], Resources:["pods"], Verbs:["get"]}, as upstream shows rules in messages. */
export function ruleCode(rule: PolicyRule): string {
  const list = (name: string, values: readonly string[] | undefined): readonly string[] =>
    values === undefined || values.length === 0
      ? []
      : [`${name}:[${values.map((value) => JSON.stringify(value)).join(" ")}]`];
  const parts = [
    ...list("APIGroups", rule.apiGroups),
    ...list("Resources", rule.resources),
    ...list("NonResourceURLs", rule.nonResourceURLs),
    ...list("ResourceNames", rule.resourceNames),
    ...list("Verbs", rule.verbs),
  ];
  return `{${parts.join(", ")}}`;
}
