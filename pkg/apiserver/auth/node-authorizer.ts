import type { Authorize, UserInfo } from "../auth-contract.ts";
import { clusterRoles } from "./bootstrap-roles.ts";
import { ruleAllows } from "./rbac-rule.ts";

const nodesGroup = "system:nodes";
const nodePrefix = "system:node:";

/** The node that the caller's credentials are of: user system:node:NAME in group system:nodes. */
export const nodeNameOf = ({ name, groups }: UserInfo): string | undefined =>
  name.startsWith(nodePrefix) && name.length > nodePrefix.length && groups.includes(nodesGroup)
    ? name.slice(nodePrefix.length)
    : undefined;

const nodeRules = clusterRoles.find(({ name }) => name === "system:node")?.rules ?? [];

/**
 * Kubelets have the rules of the default role system:node, without a binding that could be lost.
 */
export const nodesMay: Authorize = (attributes) => {
  if (nodeNameOf(attributes.user) === undefined) {
    return Promise.resolve({ allowed: false, reason: "" });
  }
  const allowed = nodeRules.some((rule) => ruleAllows(rule, attributes));
  return Promise.resolve({ allowed, reason: "" });
};
