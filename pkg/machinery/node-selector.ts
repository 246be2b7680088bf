/**
 * Which nodes a pod asks for, by nodeSelector and required node affinity: the scheduler places by
 * it and the DaemonSet controller counts by it, so both must judge alike. Pure.
 */
import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
} from "../../api/core/v1.ts";

const integer = /^[+-]?\d+$/;

/** Gt and Lt compare integers; what is none compares with nothing. */
function isBeyond(sign: 1 | -1, actual: string | undefined, limit: string | undefined): boolean {
  if (actual === undefined || limit === undefined) return false;
  if (!integer.test(actual) || !integer.test(limit)) return false;
  return sign * (Number(actual) - Number(limit)) > 0;
}

/** One requirement against one value; undefined: the node has no such label or field. */
function meets(
  { operator, values = [] }: NodeSelectorRequirement,
  actual: string | undefined,
): boolean {
  switch (operator) {
    case "In":
      return actual !== undefined && values.includes(actual);
    case "NotIn":
      return actual === undefined || !values.includes(actual);
    case "Exists":
      return actual !== undefined;
    case "DoesNotExist":
      return actual === undefined;
    case "Gt":
      return isBeyond(1, actual, values[0]);
    case "Lt":
      return isBeyond(-1, actual, values[0]);
    default:
      return false;
  }
}

const nameField = "metadata.name";

/** All requirements of a term must hold; a term without any holds for no node. */
export function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: Node,
): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => meets(one, node.metadata?.labels?.[one.key])) &&
    matchFields.every((one) => meets(one, one.key === nameField ? node.metadata?.name : undefined))
  );
}

/** Terms are alternatives. */
export const matchesNodeSelector = (selector: NodeSelector, node: Node): boolean =>
  (selector.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));

/** nodeSelector and required node affinity: both must hold. */
export function requiresNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** The only nodes that can do, where every alternative names some; undefined: not named. */
export function namedNodes({ spec }: Pod): ReadonlySet<string> | undefined {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const named = matchFields.filter(({ key, operator }) => key === nameField && operator === "In");
    const [first, ...more] = named.map(({ values = [] }) => new Set(values));
    if (first === undefined) return undefined;
    const all = more.reduce((left, one) => left.intersection(one), first);
    for (const name of all) names.add(name);
  }
  return names;
}
