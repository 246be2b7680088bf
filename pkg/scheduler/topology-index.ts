import type { Pod } from "../../api/core/v1.ts";
import type { Labels } from "../machinery/label-selector.ts";
import type { NodeState } from "./node-state.ts";
import { newPodGroup, podGroupKey, type Indexed, type PodGroup } from "./pod-group.ts";
import { matchesPod, type PodMatcher } from "./pod-matcher.ts";
import { newTermTally, podTerms, type TermTally } from "./pod-terms.ts";
import { TopologyTally, type Eligibility } from "./topology-tally.ts";

interface Selected {
  readonly matcher: PodMatcher;
  readonly tally: TopologyTally;
}

const limits = {
  /** Counts by selector and topology that are kept; the one not asked for longest goes. */
  talliesMax: 512,
  /** Groups without a placed pod that are remembered. */
  idleGroupsMax: 1_024,
} as const;

const noLabels: Labels = {};

/**
 * Where pods are, by selector and topology, and which terms of placed pods concern which others.
 * Both are worked out once for a group of like pods and then kept by addition, so that a decision
 * scans no pods. Nothing here decides.
 */
export class TopologyIndex {
  readonly #nodes: () => Iterable<NodeState>;
  readonly #namespaces = new Map<string, Labels>();
  readonly #groups = new Map<string, PodGroup>();
  readonly #idle = new Set<PodGroup>();
  readonly #selected = new Map<string, Selected>();
  readonly #terms = new Map<string, TermTally>();

  constructor(nodes: () => Iterable<NodeState>) {
    this.#nodes = nodes;
  }

  readonly #labelsOf = (namespace: string): Labels => this.#namespaces.get(namespace) ?? noLabels;

  /** How many pods that match are in each domain, kept current while it is asked for. */
  tally(matcher: PodMatcher, topologyKey: string, eligibility?: Eligibility): TopologyTally {
    const key = `${topologyKey} ${eligibility?.key ?? ""} ${matcher.key}`;
    const known = this.#selected.get(key);
    if (known !== undefined) {
      // The youngest is last.
      this.#selected.delete(key);
      this.#selected.set(key, known);
      return known.tally;
    }
    const fresh = { matcher, tally: new TopologyTally(topologyKey, eligibility) };
    this.#selected.set(key, fresh);
    this.#count(fresh);
    for (const oldest of this.#selected.keys()) {
      if (this.#selected.size <= limits.talliesMax) break;
      this.#forget(oldest);
    }
    return fresh.tally;
  }

  /** Terms of placed pods that mean this one. */
  termsOn(pod: Pod): ReadonlySet<TermTally> {
    return this.#groupOf(pod).meantBy;
  }

  matches(matcher: PodMatcher, pod: Pod): boolean {
    return matchesPod(matcher, this.#groupOf(pod), this.#labelsOf);
  }

  /** Makes a pod known that is going to be placed; `release` undoes it. */
  hold(pod: Pod): Indexed {
    const group = this.#groupOf(pod);
    group.users += 1;
    this.#idle.delete(group);
    const terms = podTerms(pod).map((term) => {
      const known = this.#terms.get(term.key) ?? this.#addTerm(newTermTally(term));
      known.users += 1;
      return known;
    });
    return { group, terms };
  }

  release({ group, terms }: Indexed): void {
    group.users -= 1;
    if (group.users === 0) this.#retire(group);
    for (const term of terms) {
      term.users -= 1;
      if (term.users > 0) continue;
      this.#terms.delete(term.term.key);
      for (const one of this.#groups.values()) one.meantBy.delete(term);
    }
  }

  /** The pod is on the node now (1), or no longer (-1). */
  count({ group, terms }: Indexed, node: NodeState, change: 1 | -1): void {
    for (const tally of group.tallies) tally.add(node, change);
    for (const { tally } of terms) tally.add(node, change);
  }

  /** A node without pods, or one whose labels or taints changed. */
  setNode(node: NodeState): void {
    for (const { tally } of this.#selected.values()) tally.setNode(node);
    for (const { tally } of this.#terms.values()) tally.setNode(node);
  }

  removeNode(node: NodeState): void {
    for (const { tally } of this.#selected.values()) tally.removeNode(node);
    for (const { tally } of this.#terms.values()) tally.removeNode(node);
  }

  /** Undefined: the namespace is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    for (const [key, { matcher }] of this.#selected) {
      if (matcher.readsNamespaceLabels) this.#forget(key);
    }
    for (const term of this.#terms.values()) {
      if (term.term.matcher.readsNamespaceLabels) this.#findMeant(term);
    }
  }

  #groupOf(pod: Pod): PodGroup {
    const known = this.#groups.get(podGroupKey(pod));
    if (known !== undefined) return known;
    const group = newPodGroup(pod);
    this.#groups.set(group.key, group);
    for (const { matcher, tally } of this.#selected.values()) {
      if (matchesPod(matcher, group, this.#labelsOf)) group.tallies.add(tally);
    }
    for (const term of this.#terms.values()) {
      if (matchesPod(term.term.matcher, group, this.#labelsOf)) group.meantBy.add(term);
    }
    this.#retire(group);
    return group;
  }

  #retire(group: PodGroup): void {
    this.#idle.delete(group);
    this.#idle.add(group);
    for (const oldest of this.#idle) {
      if (this.#idle.size <= limits.idleGroupsMax) return;
      this.#idle.delete(oldest);
      this.#groups.delete(oldest.key);
    }
  }

  #addTerm(term: TermTally): TermTally {
    this.#terms.set(term.term.key, term);
    for (const node of this.#nodes()) term.tally.setNode(node);
    this.#findMeant(term);
    return term;
  }

  #findMeant(term: TermTally): void {
    for (const group of this.#groups.values()) {
      if (matchesPod(term.term.matcher, group, this.#labelsOf)) group.meantBy.add(term);
      else group.meantBy.delete(term);
    }
  }

  #count({ matcher, tally }: Selected): void {
    for (const group of this.#groups.values()) {
      if (matchesPod(matcher, group, this.#labelsOf)) group.tallies.add(tally);
    }
    for (const node of this.#nodes()) {
      tally.setNode(node);
      let pods = 0;
      for (const { group } of node.pods.values()) if (group.tallies.has(tally)) pods += 1;
      if (pods > 0) tally.add(node, pods);
    }
  }

  #forget(key: string): void {
    const { tally } = this.#selected.get(key) ?? {};
    this.#selected.delete(key);
    if (tally === undefined) return;
    for (const group of this.#groups.values()) group.tallies.delete(tally);
  }
}
