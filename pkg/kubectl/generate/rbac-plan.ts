/** Roles and bindings of what a command line says. Pure. */
import { UsageError } from "../../base/flags.ts";
import { BareFailure } from "../failures.ts";
import type { ResourceMapper } from "../resource-mapper.ts";
import type { Generated } from "./config-plan.ts";

const group = "rbac.authorization.k8s.io";
const apiVersion = `${group}/v1`;

const resourceVerbs: ReadonlySet<string> = new Set([
  ..."* get delete list create update patch watch proxy deletecollection".split(" "),
  ..."use bind approve sign escalate impersonate attest".split(" "),
]);
const pathVerbs: ReadonlySet<string> = new Set(
  "* get put post head options delete patch".split(" "),
);
/** Verbs that mean something for few resources only: "plural.group". */
const specialVerbs: Readonly<Record<string, readonly string[]>> = {
  use: [],
  bind: [`roles.${group}`, `clusterroles.${group}`],
  escalate: [`roles.${group}`, `clusterroles.${group}`],
  impersonate: ["users.", "serviceaccounts.", "groups.", "userextras.authentication.k8s.io"],
  approve: ["signers.certificates.k8s.io"],
  sign: ["signers.certificates.k8s.io"],
  attest: ["signers.certificates.k8s.io"],
};

export interface RuleWanted {
  readonly verbs: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly paths: readonly string[];
}

/** A comma parts them on a command line; a star stands for all. */
export const listOf = (words: readonly string[]): readonly string[] =>
  words.flatMap((word) => word.split(","));
export function verbsOf(words: readonly string[]): readonly string[] {
  const verbs = [...new Set(listOf(words).map((verb) => verb.trim()))];
  return verbs.includes("*") ? ["*"] : verbs;
}

/** What a rule speaks of: "pods/log", "deployments.apps", "*.apps". */
interface NamedResource {
  readonly group: string;
  /** "pods/log" */
  readonly resource: string;
}

function resourceOf(word: string, mapper: ResourceMapper): NamedResource {
  const [name = "", ...sub] = word.split("/");
  const subresource = sub.length === 0 ? "" : `/${sub.join("/")}`;
  const [plain = "", ...rest] = name.split(".");
  if (plain === "*") return { group: rest.join("."), resource: `*${subresource}` };
  const found = mapper.find(name);
  if (found === undefined)
    throw new BareFailure(`the server doesn't have a resource type "${name}"`);
  return { group: found.group, resource: `${found.plural}${subresource}` };
}

function checkVerbs(verbs: readonly string[], named: readonly NamedResource[]): void {
  for (const verb of verbs) {
    const allowed = specialVerbs[verb];
    if (allowed === undefined) continue;
    for (const one of named) {
      if (allowed.includes(`${one.resource}.${one.group}`)) continue;
      throw new UsageError(
        `can not perform '${verb}' on '${one.resource}' in group '${one.group}'`,
      );
    }
  }
}

/** Verbs that no authoriser knows by itself: worth a word, no more. */
export const unusualVerbs = (verbs: readonly string[]): readonly string[] =>
  verbs.filter((verb) => !resourceVerbs.has(verb));

/** One rule a group, in the order of the groups' names. Throws UsageError. */
function resourceRules(wanted: RuleWanted, mapper: ResourceMapper): readonly object[] {
  const named = wanted.resources.map((word) => resourceOf(word, mapper));
  checkVerbs(wanted.verbs, named);
  const groups = [...new Set(named.map((one) => one.group))].toSorted();
  const names = wanted.resourceNames.length === 0 ? {} : { resourceNames: wanted.resourceNames };
  return groups.map((apiGroup) => {
    const own = named.filter((one) => one.group === apiGroup).map(({ resource }) => resource);
    const resources = [...new Set(own)];
    return { verbs: wanted.verbs, apiGroups: [apiGroup], resources, ...names };
  });
}

export function role(name: string, wanted: RuleWanted, mapper: ResourceMapper): Generated {
  if (wanted.verbs.length === 0) throw new UsageError("at least one verb must be specified");
  if (wanted.resources.length === 0)
    throw new UsageError("at least one resource must be specified");
  return { kind: "Role", apiVersion, metadata: { name }, rules: resourceRules(wanted, mapper) };
}

function aggregated(name: string, wanted: RuleWanted, labels: readonly string[]): Generated {
  const { verbs, resources, resourceNames, paths } = wanted;
  if ([verbs, resources, resourceNames, paths].some(({ length }) => length > 0)) {
    throw new UsageError(
      "aggregation rule must be specified without nonResourceURLs, verbs, resources or resourceNames",
    );
  }
  const matchLabels = Object.fromEntries(
    labels.map((word) => {
      const [key = "", ...value] = word.split("=");
      if (value.length === 0) throw new UsageError(`${word} must be formatted as key=value`);
      return [key, value.join("=")];
    }),
  );
  return {
    kind: "ClusterRole",
    apiVersion,
    metadata: { name },
    rules: null,
    aggregationRule: { clusterRoleSelectors: [{ matchLabels }] },
  };
}

export function clusterRole(
  name: string,
  wanted: RuleWanted & { readonly aggregate: readonly string[] },
  mapper: ResourceMapper,
): Generated {
  if (wanted.aggregate.length > 0) return aggregated(name, wanted, wanted.aggregate);
  const { verbs, resources, resourceNames, paths } = wanted;
  if (verbs.length === 0) throw new UsageError("at least one verb must be specified");
  if (resources.length === 0) {
    if (paths.length === 0)
      throw new UsageError("one of resource or nonResourceURL must be specified");
    if (resourceNames.length > 0)
      throw new UsageError("resource names can not be specified without resource");
  }
  const badPath = paths.find((path) => path !== "*" && !path.startsWith("/"));
  if (badPath === "") throw new UsageError("nonResourceURL should not be empty");
  if (badPath !== undefined) throw new UsageError("nonResourceURL should start with /");
  const badVerb = paths.length === 0 ? undefined : verbs.find((verb) => !pathVerbs.has(verb));
  if (badVerb !== undefined) throw new UsageError(`invalid verb: '${badVerb}' for nonResourceURL`);
  const pathRules = paths.length === 0 ? [] : [{ verbs, nonResourceURLs: paths }];
  const rules = [...resourceRules(wanted, mapper), ...pathRules];
  return { kind: "ClusterRole", apiVersion, metadata: { name }, rules };
}

export interface BindingWanted {
  readonly role: { readonly kind: "Role" | "ClusterRole"; readonly name: string };
  readonly users: readonly string[];
  readonly groups: readonly string[];
  /** "namespace:name" */
  readonly accounts: readonly string[];
}

export function binding(
  kind: "RoleBinding" | "ClusterRoleBinding",
  name: string,
  wanted: BindingWanted,
): Generated {
  const accounts = wanted.accounts.map((word) => {
    const [namespace = "", account = "", ...more] = word.split(":");
    if (namespace === "" || account === "" || more.length > 0)
      throw new UsageError("serviceaccount must be <namespace>:<name>");
    return { kind: "ServiceAccount", name: account, namespace };
  });
  const named = (of: "User" | "Group", names: readonly string[]): readonly object[] =>
    names.map((one) => ({ kind: of, apiGroup: group, name: one }));
  const subjects = [...named("User", wanted.users), ...named("Group", wanted.groups), ...accounts];
  return {
    kind,
    apiVersion,
    metadata: { name },
    ...(subjects.length === 0 ? {} : { subjects }),
    roleRef: { apiGroup: group, kind: wanted.role.kind, name: wanted.role.name },
  };
}
