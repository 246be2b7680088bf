import type { Hooks, Plugin, Refusal } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";
import type { NodeState } from "./node-state.ts";

export interface Refused {
  readonly plugin: string;
  readonly refusal: Refusal;
}

interface LocalPlugins {
  readonly localFilters: readonly (Plugin & Pick<Hooks, "filter">)[];
  readonly localScores: readonly (Plugin & Pick<Hooks, "score">)[];
}

/** The first filter that refuses decides; undefined: the node fits. */
export function firstRefusal(
  filters: readonly (Plugin & Pick<Hooks, "filter">)[],
  pod: QueuedPod,
  node: NodeState,
): Refused | undefined {
  for (const plugin of filters) {
    const verdict = plugin.filter(pod, node);
    if (!verdict.fits) return { plugin: plugin.name, refusal: verdict };
  }
  return undefined;
}

/**
 * What plugins that look at pod and node alone say, for pods that are alike to them: asked once,
 * and again only when the node has changed. Of many like pods each next one costs a few nodes.
 */
export class LocalResults {
  readonly #filters: LocalPlugins["localFilters"];
  readonly #plain: LocalPlugins["localScores"];
  readonly #relative: LocalPlugins["localScores"];
  // By slot of the node:
  readonly #generation: number[] = [];
  readonly #refused: (Refused | undefined)[] = [];
  readonly #score: number[] = [];
  /** Of each plugin with `normalize`. */
  readonly #raw: number[][];
  /** Whether a plugin with `normalize` ever told nodes apart. */
  readonly #tellsApart: boolean[];

  constructor({ localFilters, localScores }: LocalPlugins) {
    this.#filters = localFilters;
    this.#plain = localScores.filter(({ normalize }) => normalize === undefined);
    this.#relative = localScores.filter(({ normalize }) => normalize !== undefined);
    this.#raw = this.#relative.map(() => []);
    this.#tellsApart = this.#relative.map(() => false);
  }

  clear(): void {
    this.#generation.fill(0);
    this.#tellsApart.fill(false);
  }

  refused(pod: QueuedPod, node: NodeState): Refused | undefined {
    if (this.#generation[node.slot] !== node.generation) this.#ask(pod, node);
    return this.#refused[node.slot];
  }

  /** Weighted sums for nodes that fit; `refused` has been asked for each. */
  addTo(totals: Float64Array, nodes: readonly NodeState[]): void {
    for (let at = 0; at < nodes.length; at++) {
      totals[at] = (totals[at] ?? 0) + (this.#score[(nodes[at] as NodeState).slot] ?? 0);
    }
    for (const [index, plugin] of this.#relative.entries()) {
      if (this.#tellsApart[index] !== true) continue;
      const raw = this.#raw[index] ?? [];
      addNormalized(totals, plugin, (at) => raw[(nodes[at] as NodeState).slot] ?? 0);
    }
  }

  #ask(pod: QueuedPod, node: NodeState): void {
    const { slot } = node;
    this.#generation[slot] = node.generation;
    const refused = firstRefusal(this.#filters, pod, node);
    this.#refused[slot] = refused;
    if (refused !== undefined) return;
    let sum = 0;
    for (const plugin of this.#plain) sum += plugin.score(pod, node) * (plugin.weight ?? 1);
    this.#score[slot] = sum;
    for (const [index, plugin] of this.#relative.entries()) {
      const score = plugin.score(pod, node);
      (this.#raw[index] as number[])[slot] = score;
      if (score !== 0) this.#tellsApart[index] = true;
    }
  }
}

/** Adds one plugin's scores, brought into range and weighted, to the totals. */
export function addNormalized(
  totals: Float64Array,
  { weight = 1, normalize }: Pick<Plugin, "weight"> & Partial<Pick<Hooks, "normalize">>,
  scoreAt: (at: number) => number,
): void {
  const scores = new Float64Array(totals.length);
  for (let at = 0; at < scores.length; at++) scores[at] = scoreAt(at);
  normalize?.(scores);
  for (let at = 0; at < scores.length; at++) {
    totals[at] = (totals[at] ?? 0) + (scores[at] ?? 0) * weight;
  }
}
