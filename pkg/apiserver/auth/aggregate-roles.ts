/** The rules of an aggregated ClusterRole, from the roles that its selectors find: pure. */
import type { ClusterRole, PolicyRule } from "../../../api/rbac/v1.ts";
import { matchesSelector } from "../../machinery/label-selector.ts";

/** Roles by name, each rule once, as upstream's clusterrole-aggregation controller does it. */
export function aggregatedRules(
  { aggregationRule, metadata }: ClusterRole,
  roles: readonly ClusterRole[],
): readonly PolicyRule[] {
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  const found = new Map<string, PolicyRule>();
  const sources = roles
    .filter((role) => role.metadata?.name !== metadata?.name)
    .filter((role) =>
      selectors.some((selector) => matchesSelector(selector, role.metadata?.labels)),
    )
    .toSorted((a, b) => ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1));
  for (const rule of sources.flatMap(({ rules = [] }) => rules)) {
    const key = JSON.stringify(rule);
    if (!found.has(key)) found.set(key, rule);
  }
  return [...found.values()];
}
