import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
} from "../../../api/core/v1.ts";
import type { QueuedPod, Plugin } from "../framework.ts";
import { fits } from "../framework.ts";

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
      return actual !== undefined && Number(actual) > Number(values[0]);
    case "Lt":
      return actual !== undefined && Number(actual) < Number(values[0]);
    default:
      return false;
  }
}

/** All requirements of a term must hold; a term without any holds for no node. */
function matchesTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: Node,
): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => meets(one, node.metadata?.labels?.[one.key])) &&
    matchFields.every((one) =>
      meets(one, one.key === "metadata.name" ? node.metadata?.name : undefined),
    )
  );
}

const matchesSelector = (selector: NodeSelector, node: Node): boolean =>
  (selector.nodeSelectorTerms ?? []).some((term) => matchesTerm(term, node));

/** nodeSelector and required node affinity: both must hold. */
export function requiresNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesSelector(required, node);
}

const preferencesOf = ({ pod }: QueuedPod) =>
  pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  wokenBy: (event, { pod }) => event.type !== "pod-deleted" && requiresNode(pod, event.node),
  filter: ({ pod }, { node }) =>
    requiresNode(pod, node)
      ? fits
      : {
          fits: false,
          because: "node(s) didn't match Pod's node affinity/selector",
          preemptionHelps: false,
        },
  score: (pod, { node }) =>
    preferencesOf(pod).reduce(
      (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
      0,
    ),
  normalize: (scores) => {
    const best = scores.reduce((most, one) => Math.max(most, one), 0);
    if (best > 0) scores.forEach((score, at) => (scores[at] = (score * 100) / best));
  },
};
