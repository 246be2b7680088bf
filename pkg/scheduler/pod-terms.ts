/** Terms of inter-pod affinity that pods bring with them, for others to be judged by. */
import type { Pod, PodAffinityTerm } from "../../api/core/v1.ts";
import { matchingTerms, type PodMatcher } from "./pod-matcher.ts";
import { TopologyTally } from "./topology-tally.ts";

/** Upstream's hardPodAffinityWeight: what a required term of a placed pod weighs for others. */
const requiredAffinityWeight = 1;

export interface PodTerm {
  readonly key: string;
  readonly matcher: PodMatcher;
  readonly topologyKey: string;
  /** True: pods that it means must stay out of the domain. */
  readonly forbids: boolean;
  /** What it adds to the score of the domain for pods that it means. */
  readonly weight: number;
}

/** One term, of however many placed pods, and where they are. */
export interface TermTally {
  readonly term: PodTerm;
  readonly tally: TopologyTally;
  /** Placed pods that have it. */
  users: number;
}

const termOf = (
  term: PodAffinityTerm,
  namespace: string,
  forbids: boolean,
  weight: number,
): PodTerm => {
  const matcher = matchingTerms([term], namespace);
  const { topologyKey } = term;
  const key = `${forbids ? "!" : weight} ${topologyKey} ${matcher.key}`;
  return { key, matcher, topologyKey, forbids, weight };
};

const none: readonly PodTerm[] = [];

export function podTerms({ metadata, spec }: Pod): readonly PodTerm[] {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return none;
  const namespace = metadata?.namespace ?? "";
  const of = (term: PodAffinityTerm, forbids: boolean, weight: number): PodTerm =>
    termOf(term, namespace, forbids, weight);
  return [
    ...(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) =>
      of(term, true, 0),
    ),
    ...(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) =>
      of(term, false, requiredAffinityWeight),
    ),
    ...(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) =>
      of(one.podAffinityTerm, false, one.weight),
    ),
    ...(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((one) =>
      of(one.podAffinityTerm, false, -one.weight),
    ),
  ];
}

export const newTermTally = (term: PodTerm): TermTally => ({
  term,
  tally: new TopologyTally(term.topologyKey),
  users: 0,
});
