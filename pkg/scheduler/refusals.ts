import type { NodeState } from "./node-state.ts";
import type { Refused } from "./local-results.ts";

/** Why no node fits: how many nodes each reason refuses, and one example with numbers. */
export interface Refusals {
  readonly nodes: number;
  readonly reasons: ReadonlyMap<string, { readonly count: number; readonly detail?: string }>;
  /** Names of the plugins that refused: only their events wake the pod. */
  readonly plugins: ReadonlySet<string>;
  /** Nodes that pods of lower priority could make room on. */
  readonly helped: readonly NodeState[];
}

/** Counts refusals; made only when nothing fitted. */
export class RefusalCount {
  readonly #reasons = new Map<string, { count: number; detail?: string }>();
  readonly #plugins = new Set<string>();
  readonly #helped: NodeState[] = [];
  readonly #nodes: number;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** Of one node, or of all at once. */
  add({ plugin, refusal }: Refused, node?: NodeState): void {
    this.#plugins.add(plugin);
    if (refusal.preemptionHelps && node !== undefined) this.#helped.push(node);
    this.addReason(refusal.because, refusal.detail);
  }

  addReason(because: string, detail?: string, nodes = 1): void {
    const known = this.#reasons.get(because);
    if (known !== undefined) known.count += nodes;
    else this.#reasons.set(because, { count: nodes, ...(detail === undefined ? {} : { detail }) });
  }

  result(): Refusals {
    return {
      nodes: this.#nodes,
      reasons: this.#reasons,
      plugins: this.#plugins,
      helped: this.#helped,
    };
  }
}

/**
 * "0/3 nodes are available: 2 Insufficient memory (needs 64Gi, 20Gi free of 23Gi), 1 node(s) …":
 * upstream's sentence, with the numbers of one such node behind each reason.
 */
export function describeRefusals({ nodes, reasons }: Pick<Refusals, "nodes" | "reasons">): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  const parts = [...reasons]
    .map(
      ([reason, { count, detail }]) =>
        `${count} ${reason}${detail === undefined ? "" : ` (${detail})`}`,
    )
    .toSorted();
  return `0/${nodes} nodes are available: ${parts.join(", ")}.`;
}
