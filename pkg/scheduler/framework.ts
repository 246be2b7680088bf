/**
 * The extension points of scheduling, in the order in which a cycle runs them. A plugin is an
 * object that has those that it needs; `default-plugins.ts` is the list. Everything up to score,
 * and postFilter, is pure: it decides on a snapshot and touches nothing.
 */
import type { Pod } from "../../api/core/v1.ts";
import type { PodDisruptionBudget } from "../../api/policy/v1.ts";
import type { Requirement } from "../machinery/label-selector.ts";
import type { WakingHints } from "./cluster-event.ts";
import type { NodeState } from "./node-state.ts";
import type { QueuedPod } from "./queued-pod.ts";
import type { TopologyIndex } from "./topology-index.ts";

export type Verdict = { readonly fits: true } | Refusal;

export interface Refusal {
  readonly fits: false;
  /** Upstream's short reason, counted over nodes: "Insufficient memory". */
  readonly because: string;
  /** Numbers for people: "needs 64Gi, 20Gi free". */
  readonly detail?: string;
  /** Evicting pods of lower priority could make it fit. */
  readonly preemptionHelps: boolean;
}

export const fits: Verdict = { fits: true };

/** Reads by plugins during one cycle. */
export interface Snapshot {
  /** Zones take turns in it, so that a part of it is like the whole. */
  readonly nodes: readonly NodeState[];
  node(name: string): NodeState | undefined;
  /** Where pods that match a selector are, by topology: indexed, never a scan of all pods. */
  readonly topology: TopologyIndex;
  /** Where images are: bytes by node name. */
  imageOnNodes(image: string): ReadonlyMap<string, number> | undefined;
  /** What Services and the pod's owner select it by; empty: neither does. */
  defaultSelector(pod: Pod): readonly Requirement[];
}

export interface PreFilterResult {
  /** Names of the only nodes that can fit. */
  readonly only?: ReadonlySet<string>;
  /** No node can fit. */
  readonly refusal?: Refusal;
  /** Judges by more than pod and node, for this cycle. */
  readonly filter?: (node: NodeState) => Verdict;
}

/** Scores that compare with the cluster, for one pod and the nodes that fit it. */
export interface ClusterScore {
  /** 0 to 100, higher is better; with `normalize` any range. */
  score(node: NodeState): number;
  /** Brings the scores into 0 to 100, in place; in the order of the nodes given to preScore. */
  normalize?(scores: Float64Array): void;
}

/** Takes pods off one node and puts them back, and says whether the pod would fit now. */
export interface FitTrial {
  remove(pod: Pod): void;
  restore(pod: Pod): void;
  fits(): Verdict;
}

export interface PostFilterContext {
  readonly snapshot: Snapshot;
  /** Nodes whose refusal may end when pods of lower priority leave. */
  readonly helped: readonly NodeState[];
  /** Asks what would be if pods left the node; they are back on it when this returns. */
  readonly tryWithout: <T>(node: NodeState, ask: (trial: FitTrial) => T) => T;
  readonly budgets: () => readonly PodDisruptionBudget[];
  /** In [0, 1): where the search begins. */
  readonly chance: number;
}

export interface PostFilterResult {
  /** Goes behind the reasons of the event: "preemption: …". */
  readonly message: string;
  /** The pod waits for a place that is being made already, and keeps the promise of it. */
  readonly isUnderWay?: true;
  /** Pods to end, so that the pod may go to the node. */
  readonly preemption?: { readonly node: NodeState; readonly victims: readonly Pod[] };
}

export interface Hooks {
  /** A reason keeps the pod out of the queue until it changes (scheduling gates). */
  preEnqueue(pod: Pod): string | undefined;
  /** Negative: a goes first. Exactly one plugin of a profile has it. */
  queueSort(a: QueuedPod, b: QueuedPod): number;
  /** Undefined: the plugin has nothing to say about this pod. */
  preFilter(pod: QueuedPod, snapshot: Snapshot): PreFilterResult | undefined;
  /** Judges by pod and node alone. */
  filter(pod: QueuedPod, node: NodeState): Verdict;
  /** No node fits: may say which pods would have to go (preemption). */
  postFilter(pod: QueuedPod, context: PostFilterContext): PostFilterResult;
  /** Undefined: all these nodes are equal to the plugin. */
  preScore(
    pod: QueuedPod,
    nodes: readonly NodeState[],
    snapshot: Snapshot,
  ): ClusterScore | undefined;
  /** By pod and node alone: 0 to 100, higher is better; with `normalize` any range from 0. */
  score(pod: QueuedPod, node: NodeState): number;
  /** Brings the scores of the nodes that fit into 0 to 100, in place. Equals stay equal. */
  normalize(scores: Float64Array): void;
  reserve(pod: QueuedPod, node: NodeState): void;
  unreserve(pod: QueuedPod, node: NodeState): void;
  /** Resolves when the pod may be bound; rejects to give the place back. */
  permit(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void>;
  preBind(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void>;
  /** True when this plugin has bound the pod; the first one that does ends the row. */
  bind(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<boolean>;
  postBind(pod: QueuedPod, node: NodeState): void;
}

export type Plugin = {
  readonly name: string;
  /** Factor of its score; 1 unless said otherwise. */
  readonly weight?: number;
  /**
   * All that `filter` and `score` read of a pod, as a text: pods that agree in it share results,
   * which are kept until the node changes. Without it they are asked for every pod and node.
   */
  readonly reads?: (pod: QueuedPod) => string;
  /** Which events may make a pod fit that this plugin refused; absent: any. */
  readonly wokenBy?: WakingHints;
} & Partial<Hooks>;

export const having = <H extends keyof Hooks>(
  plugins: readonly Plugin[],
  hook: H,
): readonly (Plugin & Pick<Hooks, H>)[] =>
  plugins.filter((plugin): plugin is Plugin & Pick<Hooks, H> => plugin[hook] !== undefined);
