import type { NodeAffinity, NodeSelector, PreferredSchedulingTerm } from "../../../api/core/v1.ts";
import {
  matchesNodeSelector,
  matchesTerm,
  namedNodes,
  requiresNode,
} from "../../machinery/node-selector.ts";
import type { Plugin, Refusal } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import { fits } from "../framework.ts";
import type { NodeState } from "../node-state.ts";

const refusal = (because: string): Refusal => ({ fits: false, because, preemptionHelps: false });
const notWanted = refusal("node(s) didn't match Pod's node affinity/selector");
const notAllowed = refusal("node(s) didn't match scheduler-enforced node affinity");

const none: readonly PreferredSchedulingTerm[] = [];
const affinityOf = ({ pod }: QueuedPod): NodeAffinity | undefined =>
  pod.spec?.affinity?.nodeAffinity;

const sum = (terms: readonly PreferredSchedulingTerm[], { node }: NodeState): number =>
  terms.reduce((all, one) => all + (matchesTerm(one.preference, node) ? one.weight : 0), 0);

function mostBest(scores: Float64Array): void {
  let best = 0;
  for (const score of scores) if (score > best) best = score;
  if (best === 0) return;
  for (let at = 0; at < scores.length; at++) {
    scores[at] = Math.floor((100 * (scores[at] ?? 0)) / best);
  }
}

const allows = (added: NodeSelector | undefined, { node }: NodeState): boolean =>
  added === undefined || matchesNodeSelector(added, node);

/**
 * Keeps pods to nodes that they select, and prefers those that they prefer. `added` counts as if
 * every pod had it beside its own (upstream's addedAffinity).
 */
export const nodeAffinityWith = (added: NodeAffinity = {}): Plugin => {
  const required = added.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = added.preferredDuringSchedulingIgnoredDuringExecution ?? none;
  return {
    name: "NodeAffinity",
    weight: 2,
    reads: (pod) =>
      pod.pod.spec?.nodeSelector === undefined && affinityOf(pod) === undefined
        ? ""
        : JSON.stringify([pod.pod.spec?.nodeSelector, affinityOf(pod)]),
    wokenBy: {
      "node-added": ({ node }, { pod }) => requiresNode(pod, node),
      "node-changed": ({ node, before }, { pod }) =>
        requiresNode(pod, node) && !requiresNode(pod, before),
    },
    preFilter: ({ pod }) => {
      const only = namedNodes(pod);
      return only === undefined ? undefined : { only };
    },
    filter: ({ pod }, node) => {
      if (!allows(required, node)) return notAllowed;
      return requiresNode(pod, node.node) ? fits : notWanted;
    },
    score: (pod, node) => {
      const own = affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? none;
      return sum(own, node) + sum(preferred, node);
    },
    normalize: mostBest,
  };
};

export const nodeAffinity = nodeAffinityWith();
