/** What of the default roles and bindings is missing at start: pure. */
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from "../../../api/rbac/v1.ts";
import { aggregatedRules } from "./aggregate-roles.ts";
import {
  clusterRoleBindings,
  controllerRoleBindings,
  namespaceRoleBindings,
} from "./bootstrap-bindings.ts";
import { controllerRoles } from "./bootstrap-controller-roles.ts";
import {
  autoupdateAnnotation,
  bootstrapBindingObject,
  bootstrapRoleObject,
} from "./bootstrap-role.ts";
import { clusterRoles, namespaceRoles } from "./bootstrap-roles.ts";
import { rulesCover } from "./rbac-rule.ts";

export type RbacObject = ClusterRole | ClusterRoleBinding | Role | RoleBinding;

export type BootstrapChange = { readonly do: "create" | "update"; readonly object: RbacObject };

/** "ClusterRole/view", "RoleBinding/kube-system/x" */
export const keyOf = ({ kind = "", metadata }: RbacObject): string =>
  [kind, ...(metadata?.namespace === undefined ? [] : [metadata.namespace]), metadata?.name].join(
    "/",
  );

const ruleLists = [clusterRoles, controllerRoles, namespaceRoles].flat().map(bootstrapRoleObject);
const bindingLists = [clusterRoleBindings, controllerRoleBindings, namespaceRoleBindings].flat();

const isAggregated = (object: RbacObject): object is ClusterRole =>
  "aggregationRule" in object && object.aggregationRule !== undefined;

/**
 * Every default role and binding, roles first. Aggregated roles have their rules already, so that
 * they hold before the controller that keeps them has run.
 */
export const bootstrapObjects = (): readonly RbacObject[] => {
  const roles: ClusterRole[] = ruleLists.filter(({ kind }) => kind === "ClusterRole");
  // edit aggregates to admin and view to edit: a role is filled before those that take it in.
  for (const name of ["view", "edit", "admin"]) {
    const at = roles.findIndex(({ metadata }) => metadata?.name === name);
    const role = roles[at];
    if (role !== undefined) roles[at] = { ...role, rules: aggregatedRules(role, roles) };
  }
  const others = ruleLists.filter(({ kind }) => kind !== "ClusterRole");
  return [...roles, ...others, ...bindingLists.map(bootstrapBindingObject)];
};

/**
 * Creates what is missing, and adds the rules and subjects that a new version brought to what
 * exists. Nothing is taken away, and nothing is touched that its owner marked autoupdate=false.
 */
export function planBootstrapRbac(
  existing: ReadonlyMap<string, RbacObject>,
): readonly BootstrapChange[] {
  return bootstrapObjects().flatMap((wanted): readonly BootstrapChange[] => {
    const actual = existing.get(keyOf(wanted));
    if (actual === undefined) return [{ do: "create", object: wanted }];
    if (actual.metadata?.annotations?.[autoupdateAnnotation] === "false") return [];
    const object = completed(actual, wanted);
    return object === undefined ? [] : [{ do: "update", object }];
  });
}

/** The object with what it lacks; undefined where it lacks nothing. */
function completed(actual: RbacObject, wanted: RbacObject): RbacObject | undefined {
  if ("roleRef" in wanted) {
    if (!("roleRef" in actual)) return undefined;
    const missing = (wanted.subjects ?? []).filter(
      (subject) => !includes(actual.subjects, subject),
    );
    if (missing.length === 0) return undefined;
    return { ...actual, subjects: [...(actual.subjects ?? []), ...missing] };
  }
  // Their rules are the aggregation controller's.
  if ("roleRef" in actual || isAggregated(wanted)) return undefined;
  const rules: readonly PolicyRule[] = actual.rules ?? [];
  const missing = (wanted.rules ?? []).filter((rule) => !rulesCover(rules, rule));
  return missing.length === 0 ? undefined : { ...actual, rules: [...rules, ...missing] };
}

const includes = (subjects: readonly Subject[] | undefined, wanted: Subject): boolean =>
  (subjects ?? []).some(
    ({ kind, name, namespace }) =>
      kind === wanted.kind && name === wanted.name && namespace === wanted.namespace,
  );
