import type { ClusterCache } from "./cluster-cache.ts";
import type { PostFilterContext, PreFilterResult, Refusal, Verdict } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";
import { fits } from "./framework.ts";
import { addNormalized, firstRefusal, type LocalResults, type Refused } from "./local-results.ts";
import type { NodeState } from "./node-state.ts";
import { Nominations } from "./nominations.ts";
import type { Profile } from "./profile.ts";
import { RefusalCount, type Refusals } from "./refusals.ts";

export type CycleResult =
  | { readonly fits: true; readonly node: NodeState; readonly lookedAt: number }
  | { readonly fits: false; readonly refusals: Refusals };

/** Below this many nodes all are looked at; above, a share of them is enough to choose from. */
const sampledNodesMin = 100;
/** So few candidates are asked directly: keeping results by signature would cost more. */
const keptNodesMin = 8;

/** Upstream's adaptive share: 50 % less one per 125 nodes, never below 5 % or 100 nodes. */
export function nodesToFind(nodes: number): number {
  if (nodes <= sampledNodesMin) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(sampledNodesMin, Math.floor((nodes * percent) / 100));
}

interface ClusterFilter {
  readonly plugin: string;
  readonly filter: (node: NodeState) => Verdict;
}

/** What is worked out once for a cycle. */
interface Judge {
  readonly profile: Profile;
  readonly pod: QueuedPod;
  readonly cache: ClusterCache;
  readonly nominations: Nominations;
  readonly filters: readonly ClusterFilter[];
  /** Absent: too few nodes to keep results for. */
  readonly results: LocalResults | undefined;
}

function refusedByCluster({ profile, pod, filters }: Judge, node: NodeState): Refused | undefined {
  for (const { plugin, filter } of filters) {
    const verdict = filter(node);
    if (!verdict.fits) return { plugin, refusal: verdict };
  }
  return profile.otherFilters.length === 0
    ? undefined
    : firstRefusal(profile.otherFilters, pod, node);
}

/** Asked of the node as it is now, without results that were kept. */
const refusedNow = (judge: Judge, node: NodeState): Refused | undefined =>
  firstRefusal(judge.profile.localFilters, judge.pod, node) ?? refusedByCluster(judge, node);

/** The pod must fit with the pods that were promised a place there, and without them. */
function refusedBy(judge: Judge, node: NodeState): Refused | undefined {
  const { pod, cache, nominations, results } = judge;
  const refused =
    results === undefined
      ? refusedNow(judge, node)
      : (results.refused(pod, node) ?? refusedByCluster(judge, node));
  if (refused !== undefined || nominations.size === 0) return refused;
  const added = nominations.before(pod, node.name).map((one) => one.pod);
  if (added.length === 0) return undefined;
  return cache.supposing(node, added, () => refusedNow(judge, node));
}

function candidatesOf(
  cache: ClusterCache,
  preFiltered: readonly PreFilterResult[],
): readonly NodeState[] {
  let only: ReadonlySet<string> | undefined;
  for (const result of preFiltered) {
    if (result.only === undefined) continue;
    only = only === undefined ? result.only : only.intersection(result.only);
  }
  if (only === undefined) return cache.nodes;
  return [...only].flatMap((name) => cache.node(name) ?? []);
}

/** Ties are broken by `tieBreak` (in [0, 1)), so that equal nodes fill alike. */
function bestOf(judge: Judge, nodes: readonly NodeState[], tieBreak: number): NodeState {
  const totals = scoresOf(judge, nodes);
  let best = -Infinity;
  let ties = 0;
  for (const total of totals) {
    if (total > best) {
      best = total;
      ties = 1;
    } else if (total === best) ties += 1;
  }
  let skip = Math.floor(tieBreak * ties);
  let at = 0;
  while (totals[at] !== best || skip-- > 0) at += 1;
  return nodes[at] as NodeState;
}

function scoresOf(
  { profile, pod, cache, results }: Judge,
  nodes: readonly NodeState[],
): Float64Array {
  const totals = new Float64Array(nodes.length);
  const others = [...profile.otherScores, ...(results === undefined ? profile.localScores : [])];
  results?.addTo(totals, nodes);
  for (const plugin of others) {
    addNormalized(totals, plugin, (at) => plugin.score(pod, nodes[at] as NodeState));
  }
  for (const plugin of profile.preScores) {
    const scoring = plugin.preScore(pod, nodes, cache);
    if (scoring === undefined) continue;
    const { weight } = plugin;
    const of = {
      ...(weight === undefined ? {} : { weight }),
      ...(scoring.normalize === undefined
        ? {}
        : { normalize: (scores: Float64Array) => scoring.normalize?.(scores) }),
    };
    addNormalized(totals, of, (at) => scoring.score(nodes[at] as NodeState));
  }
  return totals;
}

export interface CycleOptions {
  readonly cache: ClusterCache;
  readonly nominations?: Nominations;
  /** Where the search begins, so that over many pods all nodes are looked at. */
  readonly start: number;
  /** In [0, 1): chooses among equals. */
  readonly tieBreak: number;
}

const noNominations = new Nominations();

/** Chooses a node for one pod. The cache is as before when it returns. */
export function schedule(profile: Profile, pod: QueuedPod, options: CycleOptions): CycleResult {
  const { cache, nominations = noNominations, start, tieBreak } = options;
  const preFiltered: PreFilterResult[] = [];
  const filters: ClusterFilter[] = [];
  for (const plugin of profile.preFilters) {
    const result = plugin.preFilter(pod, cache);
    if (result === undefined) continue;
    if (result.refusal !== undefined) return nowhere(cache, plugin.name, result.refusal);
    preFiltered.push(result);
    if (result.filter !== undefined) filters.push({ plugin: plugin.name, filter: result.filter });
  }
  const nodes = candidatesOf(cache, preFiltered);
  const results = nodes.length < keptNodesMin ? undefined : profile.resultsFor(pod);
  const judge: Judge = { profile, pod, cache, nominations, filters, results };
  const promised = promisedNode(judge, nodes);
  if (promised !== undefined) return { fits: true, node: promised, lookedAt: 0 };
  const enough = nodesToFind(nodes.length);
  const fitting: NodeState[] = [];
  let step = 0;
  for (; step < nodes.length && fitting.length < enough; step++) {
    const node = nodes[(start + step) % nodes.length] as NodeState;
    if (refusedBy(judge, node) === undefined) fitting.push(node);
  }
  const [only] = fitting;
  if (only === undefined) return { fits: false, refusals: refusalsOf(judge, nodes) };
  const node = fitting.length === 1 ? only : bestOf(judge, fitting, tieBreak);
  return { fits: true, node, lookedAt: step };
}

/** Where room was made for the pod, if it fits there now. */
function promisedNode(judge: Judge, nodes: readonly NodeState[]): NodeState | undefined {
  if (judge.nominations.size === 0) return undefined;
  const node = judge.cache.node(judge.nominations.nodeOf(judge.pod) ?? "");
  if (node === undefined || !nodes.includes(node)) return undefined;
  return refusedBy(judge, node) === undefined ? node : undefined;
}

function nowhere(cache: ClusterCache, plugin: string, refusal: Refusal): CycleResult {
  const count = new RefusalCount(cache.nodes.length);
  count.add({ plugin, refusal });
  return { fits: false, refusals: count.result() };
}

/** Nodes that a preFilter left out count as what it stands for: they can never fit. */
function refusalsOf(judge: Judge, nodes: readonly NodeState[]): Refusals {
  const all = judge.cache.nodes.length;
  const count = new RefusalCount(all);
  for (const node of nodes) {
    const refused = refusedBy(judge, node);
    if (refused !== undefined) count.add(refused, node);
  }
  if (nodes.length < all) {
    count.addReason(
      "node(s) didn't satisfy plugin(s) [NodeAffinity]",
      undefined,
      all - nodes.length,
    );
  }
  return count.result();
}

/**
 * Tries what happens on a node when some of its pods leave it, with those in mind that were
 * promised a place there. For preemption, right after a cycle that found nothing.
 */
export function tryWithout(
  profile: Profile,
  pod: QueuedPod,
  { cache, nominations = noNominations }: Pick<CycleOptions, "cache" | "nominations">,
): PostFilterContext["tryWithout"] {
  const filters = profile.preFilters.flatMap((plugin) => {
    const filter = plugin.preFilter(pod, cache)?.filter;
    return filter === undefined ? [] : [{ plugin: plugin.name, filter }];
  });
  const judge: Judge = { profile, pod, cache, nominations, filters, results: undefined };
  return (node, ask) =>
    cache.trying(node, (trial) =>
      ask({ ...trial, fits: () => refusedBy(judge, node)?.refusal ?? fits }),
    );
}
