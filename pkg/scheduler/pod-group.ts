import type { Pod } from "../../api/core/v1.ts";
import type { Labels } from "../machinery/label-selector.ts";
import type { MatchedPod } from "./pod-matcher.ts";
import type { TermTally } from "./pod-terms.ts";
import type { TopologyTally } from "./topology-tally.ts";

/** Pods that no selector tells apart: what matches one, matches all, and is worked out once. */
export interface PodGroup extends MatchedPod {
  readonly key: string;
  /** Counts of pods by selectors that match the group. */
  readonly tallies: Set<TopologyTally>;
  /** Terms of affinity of placed pods that mean the group. */
  readonly meantBy: Set<TermTally>;
  /** Placed pods of the group. */
  users: number;
}

/** What the index keeps of a placed pod. */
export interface Indexed {
  readonly group: PodGroup;
  readonly terms: readonly TermTally[];
}

const noLabels: Labels = {};

export function newPodGroup(pod: Pod): PodGroup {
  const { namespace = "", labels = noLabels, deletionTimestamp } = pod.metadata ?? {};
  const key = podGroupKey(pod);
  const isTerminating = deletionTimestamp !== undefined;
  return {
    key,
    namespace,
    labels,
    isTerminating,
    tallies: new Set(),
    meantBy: new Set(),
    users: 0,
  };
}

/** Labels in another order make another group of the same pods, which does no harm. */
export const podGroupKey = ({ metadata = {} }: Pod): string =>
  `${metadata.namespace ?? ""}${metadata.deletionTimestamp === undefined ? "/" : "/-"}` +
  JSON.stringify(metadata.labels ?? noLabels);
