import type { Node, Pod } from "../../api/core/v1.ts";
import type { Labels, Requirement } from "../machinery/label-selector.ts";
import { differs } from "./cluster-event.ts";
import type { Snapshot } from "./framework.ts";
import { ImageIndex } from "./node-images.ts";
import { NodeState, type PlacedPod } from "./node-state.ts";
import { podDemand, type PodDemand } from "./pod-demand.ts";
import { TopologyIndex } from "./topology-index.ts";
import { inTurnsByZone } from "./zone-turns.ts";

const uidOf = (pod: Pod): string => pod.metadata?.uid ?? "";
const isOver = (pod: Pod): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
const noImages: ReadonlyMap<string, number> = new Map();
const noSelector: readonly Requirement[] = [];

/** A binding is no new generation; where a server makes one of it, the pod is counted anew. */
const isSameSpec = (a: Pod, b: Pod): boolean =>
  a.metadata?.generation !== undefined && a.metadata.generation === b.metadata?.generation;

/** Two versions of a pod that take the same of a node, and match the same selectors. */
const isAlike = (a: Pod, b: Pod): boolean =>
  isSameSpec(a, b) &&
  a.metadata?.deletionTimestamp === b.metadata?.deletionTimestamp &&
  !differs(a.metadata?.labels, b.metadata?.labels);

/** Pods of one node taken off it, and put back. */
export interface Trial {
  remove(pod: Pod): void;
  restore(pod: Pod): void;
}

/**
 * Nodes and what runs on them, with pods that were given a node but whose binding the informer has
 * not shown yet (assumed): the next pod is decided without waiting for the API server.
 */
export class ClusterCache implements Snapshot {
  readonly topology: TopologyIndex;
  readonly #byName = new Map<string, NodeState>();
  readonly #images = new ImageIndex();
  /** Node of each pod by uid, bound or assumed. */
  readonly #placed = new Map<string, string>();
  /** Pods whose node is not known (yet), by node name: they count as soon as it appears. */
  readonly #orphans = new Map<string, Map<string, PlacedPod>>();
  readonly #freeSlots: number[] = [];
  readonly #defaultSelector: (pod: Pod) => readonly Requirement[];
  #generation = 0;
  #nodes: readonly NodeState[] | undefined;

  constructor(defaultSelector: (pod: Pod) => readonly Requirement[] = () => noSelector) {
    this.#defaultSelector = defaultSelector;
    this.topology = new TopologyIndex(() => this.#byName.values());
  }

  get nodes(): readonly NodeState[] {
    this.#nodes ??= inTurnsByZone([...this.#byName.values()]);
    return this.#nodes;
  }
  node(name: string): NodeState | undefined {
    return this.#byName.get(name);
  }
  imageOnNodes(image: string): ReadonlyMap<string, number> | undefined {
    return this.#images.get(image);
  }
  defaultSelector(pod: Pod): readonly Requirement[] {
    return this.#defaultSelector(pod);
  }
  setNamespace(name: string, labels: Labels | undefined): void {
    this.topology.setNamespace(name, labels);
  }

  setNode(node: Node): void {
    const name = node.metadata?.name ?? "";
    const known = this.#byName.get(name);
    if (known !== undefined) return this.#updateNode(known, node);
    const state = new NodeState(node, this.#freeSlots.pop() ?? this.#byName.size);
    this.#byName.set(name, state);
    this.#nodes = undefined;
    this.#touch(state);
    this.#images.change(name, noImages, state.images);
    this.topology.setNode(state);
    for (const placed of this.#orphans.get(name)?.values() ?? []) this.#add(state, placed);
    this.#orphans.delete(name);
  }

  #updateNode(state: NodeState, node: Node): void {
    const { node: before, images } = state;
    state.update(node);
    this.#touch(state);
    this.#images.change(state.name, images, state.images);
    const isMoved = differs(before.metadata?.labels, node.metadata?.labels);
    if (isMoved) this.#nodes = undefined;
    if (isMoved || differs(before.spec?.taints, node.spec?.taints)) this.topology.setNode(state);
  }

  removeNode(name: string): void {
    const state = this.#byName.get(name);
    if (state === undefined) return;
    this.#byName.delete(name);
    this.#freeSlots.push(state.slot);
    this.#nodes = undefined;
    this.#images.change(name, state.images, noImages);
    this.topology.removeNode(state);
    if (state.pods.size > 0) this.#orphans.set(name, new Map(state.pods));
  }

  /** A pod that has a node, as the API server says. Pods that are over take nothing. */
  setPod(pod: Pod): void {
    const name = pod.spec?.nodeName ?? "";
    if (isOver(pod) || name === "") return this.removePod(pod);
    const before = this.#find(pod);
    if (before?.on === name && isAlike(before.placed.pod, pod)) {
      before.node?.replace(before.placed, pod);
      return;
    }
    this.removePod(pod);
    this.#place(pod, name, podDemand(pod));
  }

  /** Counts the pod on the node before its binding is written. */
  assume(pod: Pod, demand: PodDemand, node: string): void {
    this.removePod(pod);
    this.#place(pod, node, demand);
  }

  #place(pod: Pod, node: string, demand: PodDemand): void {
    const placed = { pod, demand, ...this.topology.hold(pod) };
    this.#placed.set(uidOf(pod), node);
    const state = this.#byName.get(node);
    if (state !== undefined) return this.#add(state, placed);
    const waiting = this.#orphans.get(node) ?? new Map<string, PlacedPod>();
    this.#orphans.set(node, waiting.set(uidOf(pod), placed));
  }

  /** Takes an assumption back; a pod that was seen on its node in the meantime stays there. */
  forget(pod: Pod): void {
    const isBound = (this.#find(pod)?.placed.pod.spec?.nodeName ?? "") !== "";
    if (!isBound) this.removePod(pod);
  }

  removePod(pod: Pod): void {
    const found = this.#find(pod);
    if (found === undefined) return;
    this.#placed.delete(uidOf(pod));
    if (found.node !== undefined) this.#take(found.node, uidOf(pod));
    else this.#orphans.get(found.on)?.delete(uidOf(pod));
    this.topology.release(found.placed);
  }

  isPlaced(pod: Pod): boolean {
    return this.#placed.has(uidOf(pod));
  }

  /** What `ask` answers of a cluster in which these pods are on the node too. */
  supposing<T>(node: NodeState, added: readonly Pod[], ask: () => T): T {
    const guests = added.map((pod) => ({
      pod,
      demand: podDemand(pod),
      ...this.topology.hold(pod),
    }));
    for (const guest of guests) this.#add(node, guest);
    try {
      return ask();
    } finally {
      for (const guest of guests) {
        this.#take(node, uidOf(guest.pod));
        this.topology.release(guest);
      }
    }
  }

  /** What `ask` finds out by taking pods off the node; all of them are back when it returns. */
  trying<T>(node: NodeState, ask: (trial: Trial) => T): T {
    const gone = new Map<string, PlacedPod>();
    const remove = (pod: Pod): void => {
      const placed = this.#take(node, uidOf(pod));
      if (placed !== undefined) gone.set(uidOf(pod), placed);
    };
    const restore = (pod: Pod): void => {
      const placed = gone.get(uidOf(pod));
      gone.delete(uidOf(pod));
      if (placed !== undefined) this.#add(node, placed);
    };
    try {
      return ask({ remove, restore });
    } finally {
      for (const { pod } of gone.values()) restore(pod);
    }
  }

  #find(
    pod: Pod,
  ):
    | { readonly on: string; readonly node: NodeState | undefined; readonly placed: PlacedPod }
    | undefined {
    const on = this.#placed.get(uidOf(pod));
    if (on === undefined) return undefined;
    const node = this.#byName.get(on);
    const placed = (node?.pods ?? this.#orphans.get(on))?.get(uidOf(pod));
    return placed === undefined ? undefined : { on, node, placed };
  }

  #add(node: NodeState, placed: PlacedPod): void {
    node.add(placed);
    this.topology.count(placed, node, 1);
    this.#touch(node);
  }

  #take(node: NodeState, uid: string): PlacedPod | undefined {
    const placed = node.remove(uid);
    if (placed === undefined) return undefined;
    this.topology.count(placed, node, -1);
    this.#touch(node);
    return placed;
  }

  #touch(node: NodeState): void {
    this.#generation += 1;
    node.generation = this.#generation;
  }
}
