import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from "../../../api/core/v1.ts";
import { differs } from "../cluster-event.ts";
import {
  fits,
  type ClusterScore,
  type Plugin,
  type PreFilterResult,
  type Refusal,
  type Snapshot,
} from "../framework.ts";
import { nodeLabels } from "../node-labels.ts";
import type { QueuedPod } from "../queued-pod.ts";
import type { NodeState } from "../node-state.ts";
import { matchesPod, matchingTerms, type MatchedPod } from "../pod-matcher.ts";
import type { TopologyTally } from "../topology-tally.ts";

const noTerms: readonly never[] = [];

const requiredAffinity = ({ spec }: Pod): readonly PodAffinityTerm[] =>
  spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? noTerms;
const requiredAntiAffinity = ({ spec }: Pod): readonly PodAffinityTerm[] =>
  spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? noTerms;
const preferredAffinity = ({ spec }: Pod): readonly WeightedPodAffinityTerm[] =>
  spec?.affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? noTerms;
const preferredAntiAffinity = ({ spec }: Pod): readonly WeightedPodAffinityTerm[] =>
  spec?.affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? noTerms;

const refusal = (because: string, preemptionHelps: boolean): Refusal => ({
  fits: false,
  because,
  preemptionHelps,
});
const notAttracted = refusal("node(s) didn't match pod affinity rules", false);
const repelled = refusal("node(s) didn't match pod anti-affinity rules", true);
const forbidden = refusal("node(s) didn't satisfy existing pods anti-affinity rules", true);

const namespaceOf = ({ metadata }: Pod): string => metadata?.namespace ?? "";

/** Each term's domains must hold a pod that matches all terms. */
function attraction(pod: Pod, snapshot: Snapshot): ((node: NodeState) => boolean) | undefined {
  const terms = requiredAffinity(pod);
  if (terms.length === 0) return undefined;
  const matcher = matchingTerms(terms, namespaceOf(pod));
  const tallies = terms.map(({ topologyKey }) => snapshot.topology.tally(matcher, topologyKey));
  // The first of a group that wants to be together may go anywhere.
  const isFirst = (): boolean =>
    tallies.every(({ total }) => total === 0) && snapshot.topology.matches(matcher, pod);
  return (node) => {
    if (!tallies.every((tally) => tally.has(node))) return false;
    return tallies.every((tally) => tally.podsAround(node) > 0) || isFirst();
  };
}

const repulsion = (pod: Pod, snapshot: Snapshot): readonly TopologyTally[] =>
  requiredAntiAffinity(pod).map((term) =>
    snapshot.topology.tally(matchingTerms([term], namespaceOf(pod)), term.topologyKey),
  );

function filterBy({ pod }: QueuedPod, snapshot: Snapshot): PreFilterResult | undefined {
  const isAttracted = attraction(pod, snapshot);
  const repellers = repulsion(pod, snapshot);
  const forbidders = [...snapshot.topology.termsOn(pod)].filter(({ term }) => term.forbids);
  if (isAttracted === undefined && repellers.length + forbidders.length === 0) return undefined;
  const filter = (node: NodeState) => {
    if (isAttracted?.(node) === false) return notAttracted;
    if (repellers.some((tally) => tally.podsAround(node) > 0)) return repelled;
    if (forbidders.some(({ tally }) => tally.podsAround(node) > 0)) return forbidden;
    return fits;
  };
  return { filter };
}

interface Weighed {
  readonly tally: TopologyTally;
  readonly weight: number;
}

/** The pod's own preferences, and those of placed pods that it concerns. */
function preferences({ pod }: QueuedPod, snapshot: Snapshot): readonly Weighed[] {
  const own = (terms: readonly WeightedPodAffinityTerm[], sign: 1 | -1): readonly Weighed[] =>
    terms.map(({ weight, podAffinityTerm: term }) => ({
      tally: snapshot.topology.tally(matchingTerms([term], namespaceOf(pod)), term.topologyKey),
      weight: sign * weight,
    }));
  const others = [...snapshot.topology.termsOn(pod)]
    .filter(({ term }) => term.weight !== 0)
    .map(({ term, tally }) => ({ tally, weight: term.weight }));
  return [...own(preferredAffinity(pod), 1), ...own(preferredAntiAffinity(pod), -1), ...others];
}

function scoreBy(pod: QueuedPod, snapshot: Snapshot): ClusterScore | undefined {
  const weighed = preferences(pod, snapshot).filter(({ tally }) => tally.total > 0);
  if (weighed.length === 0) return undefined;
  return {
    score: (node) => {
      let score = 0;
      for (const { tally, weight } of weighed) score += weight * tally.podsAround(node);
      return score;
    },
    normalize: stretch,
  };
}

/** The least becomes 0, the most 100. */
function stretch(scores: Float64Array): void {
  let least = Infinity;
  let most = -Infinity;
  for (const score of scores) {
    if (score < least) least = score;
    if (score > most) most = score;
  }
  const range = most - least;
  for (let at = 0; at < scores.length; at++) {
    scores[at] = range === 0 ? 0 : Math.floor((100 * ((scores[at] ?? 0) - least)) / range);
  }
}

const matched = ({ metadata }: Pod): MatchedPod => ({
  namespace: metadata?.namespace ?? "",
  labels: metadata?.labels ?? {},
  isTerminating: metadata?.deletionTimestamp !== undefined,
});

/** Whether some term may mean the pod; namespaces that are chosen by label may all be meant. */
const mayMean = (terms: readonly PodAffinityTerm[], owner: Pod, other: Pod): boolean =>
  terms.some((term) => {
    const { namespaceSelector, ...named } = term;
    const judged = namespaceSelector === undefined ? term : { ...named, namespaceSelector: {} };
    return matchesPod(matchingTerms([judged], namespaceOf(owner)), matched(other), () => ({}));
  });

const attracts = ({ pod: waiting }: QueuedPod, other: Pod): boolean =>
  mayMean(requiredAffinity(waiting), waiting, other);

/** Either keeps the other away. */
const repels = ({ pod: waiting }: QueuedPod, other: Pod): boolean =>
  mayMean(requiredAntiAffinity(waiting), waiting, other) ||
  mayMean(requiredAntiAffinity(other), other, waiting);

const topologyKeys = ({ pod }: QueuedPod): readonly string[] =>
  [...requiredAffinity(pod), ...requiredAntiAffinity(pod)].map(({ topologyKey }) => topologyKey);

/** Pods near pods that they want, and away from those that they, or which them, do not want. */
export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  wokenBy: {
    "node-added": ({ node }, pod) =>
      topologyKeys(pod).every((key) => nodeLabels(node)[key] !== undefined),
    "node-changed": ({ node, before }) => differs(nodeLabels(node), nodeLabels(before)),
    "pod-added": ({ pod }, waiting) => attracts(waiting, pod),
    "pod-changed": ({ pod, before }, waiting) =>
      attracts(waiting, pod) !== attracts(waiting, before) ||
      repels(waiting, pod) !== repels(waiting, before),
    "pod-deleted": ({ pod }, waiting) => repels(waiting, pod) || attracts(waiting, pod),
    "namespace-changed": () => true,
  },
  preFilter: filterBy,
  preScore: (pod, _nodes, snapshot) => scoreBy(pod, snapshot),
};
