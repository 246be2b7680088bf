import type { Hooks, Plugin, QueuedPod, Snapshot, Verdict } from "./framework.ts";
import { having } from "./framework.ts";
import type { NodeState } from "./node-state.ts";

/** Why no node fits: how many nodes each reason refuses, and one example with numbers. */
export interface Refusals {
  readonly nodes: number;
  readonly reasons: ReadonlyMap<string, { readonly count: number; readonly detail?: string }>;
  /** Names of the plugins that refused: only their events wake the pod. */
  readonly plugins: ReadonlySet<string>;
}

export type CycleResult =
  | { readonly fits: true; readonly node: NodeState }
  | { readonly fits: false; readonly refusals: Refusals };

/** The hooks of one profile, sorted out once. */
export interface Profile {
  readonly plugins: readonly Plugin[];
  readonly preFilters: readonly (Plugin & Pick<Hooks, "preFilter">)[];
  readonly filters: readonly (Plugin & Pick<Hooks, "filter">)[];
  readonly scores: readonly (Plugin & Pick<Hooks, "score">)[];
}

export const profileOf = (plugins: readonly Plugin[]): Profile => ({
  plugins,
  preFilters: having(plugins, "preFilter"),
  filters: having(plugins, "filter"),
  scores: having(plugins, "score"),
});

/** Below this many nodes all are looked at; above, a share of them is enough to choose from. */
const sampledNodesMin = 100;

/** Upstream's adaptive share: 50 % less one per 125 nodes, never below 5 % or 100 nodes. */
export function nodesToFind(nodes: number): number {
  if (nodes <= sampledNodesMin) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(sampledNodesMin, Math.floor((nodes * percent) / 100));
}

/** Collects refusals without an object a node: most cycles have none to report. */
class RefusalCount {
  readonly #reasons = new Map<string, { count: number; detail?: string }>();
  readonly #plugins = new Set<string>();
  nodes = 0;

  add(plugin: string, verdict: Extract<Verdict, { fits: false }>): void {
    this.#plugins.add(plugin);
    const known = this.#reasons.get(verdict.because);
    if (known !== undefined) known.count++;
    else {
      const detail = verdict.detail === undefined ? {} : { detail: verdict.detail };
      this.#reasons.set(verdict.because, { count: 1, ...detail });
    }
  }
  result(): Refusals {
    return { nodes: this.nodes, reasons: this.#reasons, plugins: this.#plugins };
  }
}

/** The first filter that refuses decides; undefined: the node fits. */
function refuses(
  profile: Profile,
  pod: QueuedPod,
  node: NodeState,
  refused: RefusalCount,
): boolean {
  for (const plugin of profile.filters) {
    const verdict = plugin.filter(pod, node);
    if (verdict.fits) continue;
    refused.add(plugin.name, verdict);
    return true;
  }
  return false;
}

/** Nodes that preFilter plugins leave; a verdict where one of them refuses all. */
function candidates(
  profile: Profile,
  pod: QueuedPod,
  snapshot: Snapshot,
  refused: RefusalCount,
): readonly NodeState[] {
  let only: ReadonlySet<string> | undefined;
  for (const plugin of profile.preFilters) {
    const result = plugin.preFilter(pod, snapshot);
    if (result === undefined) continue;
    if ("fits" in result) {
      if (result.fits) continue;
      refused.add(plugin.name, result);
      return [];
    }
    only = only === undefined ? result : only.intersection(result);
  }
  if (only === undefined) return snapshot.nodes;
  return [...only].flatMap((name) => snapshot.node(name) ?? []);
}

/** Ties are broken by `tieBreak` (in [0, 1)), so that equal nodes fill alike. */
function bestOf(
  profile: Profile,
  pod: QueuedPod,
  nodes: readonly NodeState[],
  tieBreak: number,
): NodeState {
  const totals = new Float64Array(nodes.length);
  const scores = new Float64Array(nodes.length);
  for (const plugin of profile.scores) {
    const shared = plugin.preScore?.(pod, nodes);
    for (let at = 0; at < nodes.length; at++) {
      scores[at] = plugin.score(pod, nodes[at] as NodeState, shared);
    }
    plugin.normalize?.(scores);
    const weight = plugin.weight ?? 1;
    for (let at = 0; at < nodes.length; at++)
      totals[at] = (totals[at] ?? 0) + (scores[at] ?? 0) * weight;
  }
  let best = -Infinity;
  let ties: number[] = [];
  totals.forEach((total, at) => {
    if (total > best) {
      best = total;
      ties = [at];
    } else if (total === best) ties.push(at);
  });
  return nodes[ties[Math.floor(tieBreak * ties.length)] ?? 0] as NodeState;
}

/**
 * Chooses a node for one pod. Pure. `start` is where the search begins, so that over many pods all
 * nodes are looked at; `tieBreak` in [0, 1) chooses among equals.
 */
export function schedule(
  profile: Profile,
  pod: QueuedPod,
  snapshot: Snapshot,
  { start, tieBreak }: { readonly start: number; readonly tieBreak: number },
): CycleResult {
  const refused = new RefusalCount();
  const nodes = candidates(profile, pod, snapshot, refused);
  refused.nodes = snapshot.nodes.length;
  const enough = nodesToFind(nodes.length);
  const fitting: NodeState[] = [];
  for (let step = 0; step < nodes.length && fitting.length < enough; step++) {
    const node = nodes[(start + step) % nodes.length] as NodeState;
    if (!refuses(profile, pod, node, refused)) fitting.push(node);
  }
  const [only] = fitting;
  if (only === undefined) return { fits: false, refusals: refused.result() };
  if (fitting.length === 1) return { fits: true, node: only };
  return { fits: true, node: bestOf(profile, pod, fitting, tieBreak) };
}

/**
 * "0/3 nodes are available: 2 Insufficient memory (needs 64Gi, 20Gi free of 23Gi), 1 node(s) …":
 * upstream's sentence, with the numbers of one such node behind each reason.
 */
export function describeRefusals({ nodes, reasons }: Refusals): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const parts = [...reasons]
    .map(
      ([reason, { count, detail }]) =>
        `${count} ${reason}${detail === undefined ? "" : ` (${detail})`}`,
    )
    .toSorted();
  return `0/${nodes} nodes are available: ${parts.join(", ")}.`;
}
