import type { Node, Pod, TopologySpreadConstraint } from "../../../api/core/v1.ts";
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
import { selectsPod, spreadRules, type Action, type SpreadRule } from "../spread-rules.ts";
import type { TopologyTally } from "../topology-tally.ts";

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

/** What upstream gives pods that say nothing, for the selectors of their Services and owners. */
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: zone, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

interface Spread {
  readonly rules: readonly SpreadRule[];
  /** A node must have the labels of all rules to take part. */
  readonly needsAllKeys: boolean;
}

function rulesOf(
  { pod }: QueuedPod,
  action: Action,
  snapshot: Snapshot,
  defaults: readonly TopologySpreadConstraint[],
): Spread {
  const own = pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    return { rules: spreadRules(pod, own, action), needsAllKeys: true };
  }
  if (!defaults.some(({ whenUnsatisfiable }) => whenUnsatisfiable === action)) return noSpread;
  const selector = snapshot.defaultSelector(pod);
  if (selector.length === 0) return noSpread;
  // Nodes without a zone still spread by their names.
  return {
    rules: spreadRules(pod, defaults, action, selector),
    needsAllKeys: defaults !== systemDefaults,
  };
}
const noSpread: Spread = { rules: [], needsAllKeys: false };

function talliesOf({ rules, needsAllKeys }: Spread, snapshot: Snapshot): readonly TopologyTally[] {
  const keys = needsAllKeys ? rules.map(({ topologyKey }) => topologyKey) : [];
  return rules.map((rule) =>
    snapshot.topology.tally(rule.matcher, rule.topologyKey, rule.eligibility(keys)),
  );
}

const skewed: Refusal = {
  fits: false,
  because: "node(s) didn't match pod topology spread constraints",
  preemptionHelps: true,
};
const unlabelled: Refusal = {
  fits: false,
  because: "node(s) didn't match pod topology spread constraints (missing required label)",
  preemptionHelps: false,
};

function filterBy(spread: Spread, pod: Pod, snapshot: Snapshot): PreFilterResult | undefined {
  if (spread.rules.length === 0) return undefined;
  const tallies = talliesOf(spread, snapshot);
  const checks = spread.rules.map(({ maxSkew, minDomains, selector }, index) => ({
    tally: tallies[index] as TopologyTally,
    maxSkew,
    minDomains,
    // The pod counts itself where its own selector means it.
    self: selectsPod(selector, pod) ? 1 : 0,
  }));
  const filter = (node: NodeState) => {
    for (const { tally, maxSkew, minDomains, self } of checks) {
      if (!tally.has(node)) return unlabelled;
      const least = tally.domainCount < minDomains ? 0 : tally.least;
      if (tally.podsAround(node) + self - least > maxSkew) return skewed;
    }
    return fits;
  };
  return { filter };
}

interface Weighed {
  readonly tally: TopologyTally;
  readonly maxSkew: number;
  readonly weight: number;
}

/** The more domains, the more a pod in one of them weighs (upstream's rule). */
function weigh(
  { rules }: Spread,
  tallies: readonly TopologyTally[],
  nodes: readonly NodeState[],
): readonly Weighed[] {
  return rules.map(({ maxSkew, topologyKey }, index) => {
    const tally = tallies[index] as TopologyTally;
    const size = topologyKey === hostname ? nodes.length : domainsAmong(tally, nodes);
    return { tally, maxSkew, weight: Math.log(size + 2) };
  });
}

function domainsAmong(tally: TopologyTally, nodes: readonly NodeState[]): number {
  const domains = new Set<number>();
  for (const node of nodes) domains.add(tally.domainOf(node));
  return domains.size;
}

/** Of nodes that take no part. */
const leftOut = -1;

function scoreBy(
  spread: Spread,
  nodes: readonly NodeState[],
  snapshot: Snapshot,
): ClusterScore | undefined {
  if (spread.rules.length === 0) return undefined;
  const tallies = talliesOf(spread, snapshot);
  const takesPart = (node: NodeState): boolean =>
    !spread.needsAllKeys || tallies.every((tally) => tally.has(node));
  const weighed = weigh(spread, tallies, spread.needsAllKeys ? nodes.filter(takesPart) : nodes);
  return {
    score: (node) => {
      if (!takesPart(node)) return leftOut;
      let score = 0;
      for (const { tally, maxSkew, weight } of weighed) {
        if (tally.has(node)) score += tally.podsAround(node) * weight + maxSkew - 1;
      }
      return Math.round(score);
    },
    normalize: fewestBest,
  };
}

/** Fewest pods around: 100. */
function fewestBest(scores: Float64Array): void {
  let least = Infinity;
  let most = 0;
  for (const score of scores) {
    if (score === leftOut) continue;
    if (score < least) least = score;
    if (score > most) most = score;
  }
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at] ?? 0;
    if (score === leftOut) scores[at] = 0;
    else scores[at] = most === 0 ? 100 : Math.floor((100 * (most + least - score)) / most);
  }
}

const ownKeys = ({ pod }: QueuedPod): readonly string[] =>
  (pod.spec?.topologySpreadConstraints ?? [])
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule")
    .map(({ topologyKey }) => topologyKey);

/** Only nodes with all the labels take part. */
const takesPart = (node: Node, pod: QueuedPod): boolean =>
  ownKeys(pod).every((key) => nodeLabels(node)[key] !== undefined);

const isCounted = (pod: Pod, waiting: QueuedPod): boolean =>
  pod.metadata?.namespace === waiting.pod.metadata?.namespace &&
  spreadRules(waiting.pod, waiting.pod.spec?.topologySpreadConstraints ?? [], "DoNotSchedule").some(
    ({ selector }) => selectsPod(selector, pod),
  );

/** Spreads pods over zones, nodes and whatever else nodes are labelled with (KEP-895). */
export const podTopologySpreadWith = (
  defaults: readonly TopologySpreadConstraint[] = systemDefaults,
): Plugin => ({
  name: "PodTopologySpread",
  weight: 2,
  wokenBy: {
    "node-added": ({ node }, pod) => takesPart(node, pod),
    "node-deleted": ({ node }, pod) => takesPart(node, pod),
    "node-changed": ({ node, before }, pod) =>
      takesPart(node, pod) !== takesPart(before, pod) ||
      (takesPart(node, pod) &&
        (differs(node.spec?.taints, before.spec?.taints) ||
          ownKeys(pod).some((key) => nodeLabels(node)[key] !== nodeLabels(before)[key]))),
    "pod-added": ({ pod }, waiting) => isCounted(pod, waiting),
    "pod-deleted": ({ pod }, waiting) => isCounted(pod, waiting),
    "pod-changed": ({ pod, before }, waiting) =>
      isCounted(pod, waiting) !== isCounted(before, waiting) ||
      (pod.metadata?.deletionTimestamp !== before.metadata?.deletionTimestamp &&
        isCounted(pod, waiting)),
  },
  preFilter: (pod, snapshot) =>
    filterBy(rulesOf(pod, "DoNotSchedule", snapshot, defaults), pod.pod, snapshot),
  preScore: (pod, nodes, snapshot) =>
    scoreBy(rulesOf(pod, "ScheduleAnyway", snapshot, defaults), nodes, snapshot),
});

export const podTopologySpread = podTopologySpreadWith();
