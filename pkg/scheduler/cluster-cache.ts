import type { Node, Pod } from "../../api/core/v1.ts";
import { NodeState } from "./node-state.ts";
import type { Snapshot } from "./framework.ts";
import { podDemand, type PodDemand } from "./pod-demand.ts";

const uidOf = (pod: Pod): string => pod.metadata?.uid ?? "";
const isOver = (pod: Pod): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

/**
 * Nodes and what runs on them, with pods that were given a node but whose binding the informer has
 * not shown yet (assumed): the next pod is decided without waiting for the API server.
 */
export class ClusterCache implements Snapshot {
  readonly #byName = new Map<string, NodeState>();
  /** Node of each pod by uid, bound or assumed. */
  readonly #placed = new Map<string, string>();
  /** Pods whose node is not known (yet), by node name: they count as soon as it appears. */
  readonly #orphans = new Map<string, Map<string, { pod: Pod; demand: PodDemand }>>();
  #nodes: readonly NodeState[] = [];

  get nodes(): readonly NodeState[] {
    return this.#nodes;
  }
  node(name: string): NodeState | undefined {
    return this.#byName.get(name);
  }

  setNode(node: Node): void {
    const name = node.metadata?.name ?? "";
    const known = this.#byName.get(name);
    if (known !== undefined) return known.update(node);
    const state = new NodeState(node);
    this.#byName.set(name, state);
    this.#nodes = [...this.#byName.values()];
    for (const { pod, demand } of this.#orphans.get(name)?.values() ?? []) state.add(pod, demand);
    this.#orphans.delete(name);
  }

  removeNode(name: string): void {
    const state = this.#byName.get(name);
    if (state === undefined) return;
    this.#byName.delete(name);
    this.#nodes = [...this.#byName.values()];
    if (state.pods.size > 0) this.#orphans.set(name, new Map(state.pods));
  }

  /** A pod that has a node, as the API server says. Pods that are over take nothing. */
  setPod(pod: Pod): void {
    const name = pod.spec?.nodeName ?? "";
    if (isOver(pod) || name === "") return this.removePod(pod);
    const before = this.#placed.get(uidOf(pod));
    if (before !== undefined && before !== name) this.removePod(pod);
    this.#place(pod, name, podDemand(pod));
  }

  /** Counts the pod on the node before its binding is written. */
  assume(pod: Pod, demand: PodDemand, node: string): void {
    this.#place(pod, node, demand);
  }

  #place(pod: Pod, node: string, demand: PodDemand): void {
    this.#placed.set(uidOf(pod), node);
    const state = this.#byName.get(node);
    if (state !== undefined) return state.add(pod, demand);
    const waiting = this.#orphans.get(node) ?? new Map();
    this.#orphans.set(node, waiting.set(uidOf(pod), { pod, demand }));
  }

  /** Also takes an assumption back. */
  removePod(pod: Pod): void {
    const uid = uidOf(pod);
    const node = this.#placed.get(uid);
    if (node === undefined) return;
    this.#placed.delete(uid);
    this.#byName.get(node)?.remove(uid);
    this.#orphans.get(node)?.delete(uid);
  }

  isPlaced(pod: Pod): boolean {
    return this.#placed.has(uidOf(pod));
  }
}
