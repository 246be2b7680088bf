/** The four kinds of RBAC: rules, and who has them. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from "../../../api/rbac/v1.ts";
import {
  clusterRoleBindings as clusterRoleBindingsRef,
  clusterRoles as clusterRolesRef,
  roleBindings as roleBindingsRef,
  roles as rolesRef,
} from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { invalid, notSupported, required } from "../../machinery/field-error.ts";
import { dnsSubdomainComplaints, pathSegmentComplaints } from "../../machinery/names.ts";
import type { Column, Resource } from "../resource.ts";
import { each, fill } from "./absent.ts";
import { ageColumn, createdAtColumn, nameColumn, textColumn, wide } from "./columns.ts";
import {
  check,
  checkOptional,
  checkRequired,
  checkSelector,
  eachAt,
  type Errors,
  immutable,
  none,
} from "./rules.ts";

const group = "rbac.authorization.k8s.io";

function validateRule(rule: PolicyRule, path: string, isNamespaced: boolean): Errors {
  const { verbs, apiGroups = [], resources = [], resourceNames = [] } = rule;
  const urls = rule.nonResourceURLs ?? [];
  const errors = [...(verbs.length === 0 ? [required(`${path}.verbs`)] : none)];
  if (urls.length > 0) {
    const at = `${path}.nonResourceURLs`;
    if (isNamespaced)
      errors.push(invalid(at, urls, "namespaced rules cannot apply to non-resource URLs"));
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      const why = "rules cannot apply to both regular resources and non-resource URLs";
      errors.push(invalid(at, urls, why));
    }
    return errors;
  }
  const groupsWanted = "resource rules must supply at least one api group";
  if (apiGroups.length === 0) errors.push(required(`${path}.apiGroups`, groupsWanted));
  const resourcesWanted = "resource rules must supply at least one resource";
  if (resources.length === 0) errors.push(required(`${path}.resources`, resourcesWanted));
  return errors;
}

function validateAggregation({ aggregationRule }: ClusterRole): Errors {
  if (aggregationRule === undefined) return none;
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  const why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
  return [
    ...(selectors.length === 0 ? [required(path, why)] : none),
    ...eachAt(path, selectors, (selector, at) => checkSelector(at, selector)),
  ];
}

type Binding = RoleBinding | ClusterRoleBinding;

function validateSubject(subject: Subject, path: string, isNamespaced: boolean): Errors {
  const { kind, name, apiGroup = "", namespace = "" } = subject;
  const errors = [...checkRequired(`${path}.name`, name)];
  switch (kind) {
    case "ServiceAccount":
      if (name !== "") errors.push(...check(`${path}.name`, name, dnsSubdomainComplaints));
      if (apiGroup !== "") errors.push(notSupported(`${path}.apiGroup`, apiGroup, [""]));
      if (!isNamespaced && namespace === "") errors.push(required(`${path}.namespace`));
      return errors;
    case "User":
    case "Group":
      return [...errors, ...checkOptional(`${path}.apiGroup`, apiGroup, [group])];
    default:
      return [...errors, notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"])];
  }
}

function validateBinding(
  binding: Binding,
  before: Binding | undefined,
  isNamespaced: boolean,
): Errors {
  const { roleRef, subjects } = binding;
  const kinds = isNamespaced ? ["Role", "ClusterRole"] : ["ClusterRole"];
  return [
    ...checkOptional("roleRef.apiGroup", roleRef.apiGroup, [group]),
    ...checkOptional("roleRef.kind", roleRef.kind, kinds),
    ...checkRequired("roleRef.name", roleRef.name, pathSegmentComplaints),
    ...eachAt("subjects", subjects, (subject, at) => validateSubject(subject, at, isNamespaced)),
    ...(before === undefined || isSemanticallyEqual(roleRef, before.roleRef)
      ? none
      : [immutable("roleRef", roleRef)]),
  ];
}

const defaultSubject = (subject: Subject): Subject =>
  subject.kind === "User" || subject.kind === "Group"
    ? fill(subject, { apiGroup: group })
    : subject;

function defaultBinding<T extends Binding>(binding: T): T {
  const { roleRef, subjects } = binding;
  // The decoder leaves out what the client left out, and all else here reads it.
  const role = fill(roleRef ?? { apiGroup: "", kind: "", name: "" }, { apiGroup: group });
  const named = role === roleRef ? binding : { ...binding, roleRef: role };
  const whole = each(defaultSubject)(subjects ?? []);
  return whole === subjects || subjects === undefined ? named : { ...named, subjects: whole };
}

const subjectsText = (
  { subjects = [] }: Binding,
  kind: string,
  text: (subject: Subject) => string,
): string =>
  subjects
    .filter((subject) => subject.kind === kind)
    .map(text)
    .join(", ");

const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  textColumn("Role", ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  ageColumn,
  wide(textColumn("Users", (binding) => subjectsText(binding, "User", ({ name }) => name))),
  wide(textColumn("Groups", (binding) => subjectsText(binding, "Group", ({ name }) => name))),
  wide(
    textColumn("ServiceAccounts", (binding) =>
      subjectsText(
        binding,
        "ServiceAccount",
        ({ namespace, name }) => `${namespace ?? ""}/${name}`,
      ),
    ),
  ),
];

export const roles: Resource<Role> = {
  ref: rolesRef,
  storagePrefix: "/registry/roles",
  nameRule: "path-segment",
  columns: [nameColumn, createdAtColumn],
  validate: ({ rules }) => eachAt("rules", rules, (rule, at) => validateRule(rule, at, true)),
  createsOnUpdate: true,
};

export const clusterRoles: Resource<ClusterRole> = {
  ref: clusterRolesRef,
  storagePrefix: "/registry/clusterroles",
  nameRule: "path-segment",
  columns: [nameColumn, createdAtColumn],
  validate: (role) => [
    ...eachAt("rules", role.rules, (rule, at) => validateRule(rule, at, false)),
    ...validateAggregation(role),
  ],
  createsOnUpdate: true,
};

export const roleBindings: Resource<RoleBinding> = {
  ref: roleBindingsRef,
  storagePrefix: "/registry/rolebindings",
  nameRule: "path-segment",
  columns: bindingColumns,
  defaults: defaultBinding,
  validate: (binding, before) => validateBinding(binding, before, true),
  createsOnUpdate: true,
};

export const clusterRoleBindings: Resource<ClusterRoleBinding> = {
  ref: clusterRoleBindingsRef,
  storagePrefix: "/registry/clusterrolebindings",
  nameRule: "path-segment",
  columns: bindingColumns,
  defaults: defaultBinding,
  validate: (binding, before) => validateBinding(binding, before, false),
  createsOnUpdate: true,
};
