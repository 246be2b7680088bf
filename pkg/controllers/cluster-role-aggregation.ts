import type { ClusterRole, PolicyRule } from "../../api/rbac/v1.ts";
import { clusterRoles } from "../../api/resources.ts";
import { done, reads } from "../controller/controller.ts";
import { defineController } from "../controller/run-controller.ts";
import { isSemanticallyEqual } from "../machinery/equality.ts";
import { selects } from "./label-selector.ts";

const isAggregated = ({ aggregationRule }: ClusterRole): boolean => aggregationRule !== undefined;

/** Rules of all roles that the role's selectors select, by name, each once. Pure. */
export function aggregatedRules(
  role: ClusterRole,
  all: readonly ClusterRole[],
): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  const rules: PolicyRule[] = [];
  for (const other of all.toSorted(byName)) {
    const isSelected = selectors.some((selector) => selects(selector, other.metadata?.labels));
    if (!isSelected || other.metadata?.name === role.metadata?.name) continue;
    for (const rule of other.rules ?? [])
      if (!rules.some((known) => isSemanticallyEqual(known, rule))) rules.push(rule);
  }
  return rules;
}

const byName = (one: ClusterRole, other: ClusterRole): number =>
  (one.metadata?.name ?? "") < (other.metadata?.name ?? "") ? -1 : 1;

/** Keeps the rules of ClusterRoles (admin, edit, view) that are made of others. */
export const clusterRoleAggregation = defineController<ClusterRole>({
  name: "clusterrole-aggregation",
  account: "clusterrole-aggregation-controller",
  eventSource: "clusterrole-aggregation-controller",
  reconciles: clusterRoles,
  reads: [
    // A label that a role lost is not seen here: so every change wakes all aggregated roles.
    reads(clusterRoles, (_role, lookup) =>
      lookup
        .informer(clusterRoles)
        .list()
        .filter(isAggregated)
        .map(({ metadata }) => metadata?.name ?? ""),
    ),
  ],
  writes: ["ClusterRole/rules"],
  async reconcile(role, context, signal) {
    if (!isAggregated(role)) return done;
    const rules = aggregatedRules(role, context.informer(clusterRoles).list());
    if (isSemanticallyEqual(role.rules, rules)) return done;
    await context.client.resource(clusterRoles).update({ ...role, rules }, {}, signal);
    return done;
  },
});
