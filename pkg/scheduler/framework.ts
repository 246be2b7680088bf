/**
 * The extension points of scheduling, in the order in which a cycle runs them. A plugin is an
 * object that has those that it needs; `default-plugins.ts` is the list. Everything up to score is
 * pure: it decides on a snapshot and touches nothing.
 */
import type { Node, Pod } from "../../api/core/v1.ts";
import type { NodeState } from "./node-state.ts";
import type { PodDemand } from "./pod-demand.ts";

export type Verdict =
  | { readonly fits: true }
  | {
      readonly fits: false;
      /** Upstream's short reason, counted over nodes: "Insufficient memory". */
      readonly because: string;
      /** Numbers for people: "needs 64Gi, 20Gi free". */
      readonly detail?: string;
      /** Evicting pods of lower priority could make it fit. */
      readonly preemptionHelps: boolean;
    };

export const fits: Verdict = { fits: true };

/** What happened in the cluster that may let a waiting pod fit. */
export type ClusterEvent =
  | { readonly type: "node-added"; readonly node: Node }
  | { readonly type: "node-changed"; readonly node: Node; readonly before: Node }
  | { readonly type: "pod-deleted"; readonly pod: Pod };

/** Reads by plugins during one cycle. */
export interface Snapshot {
  readonly nodes: readonly NodeState[];
  node(name: string): NodeState | undefined;
}

/** A pod with what plugins ask of it again and again, computed once. */
export interface QueuedPod {
  readonly pod: Pod;
  readonly demand: PodDemand;
  readonly priority: number;
  /** When it was first seen, milliseconds since the epoch. */
  readonly queuedAtMs: number;
}

export interface Hooks {
  /** A reason keeps the pod out of the queue until it changes (scheduling gates). */
  preEnqueue(pod: Pod): string | undefined;
  /** Negative: a goes first. Exactly one plugin of a profile has it. */
  queueSort(a: QueuedPod, b: QueuedPod): number;
  /** Names of the only nodes that can fit, or a verdict that none can; undefined: all may. */
  preFilter(pod: QueuedPod, snapshot: Snapshot): ReadonlySet<string> | Verdict | undefined;
  filter(pod: QueuedPod, node: NodeState): Verdict;
  /** No node fits: may name one that would after it has made room (preemption). */
  postFilter(
    pod: QueuedPod,
    snapshot: Snapshot,
    signal: AbortSignal,
  ): Promise<{ readonly nominatedNode: string } | undefined>;
  /** Work that all scores of a pod share; its result is passed to `score`. */
  preScore(pod: QueuedPod, nodes: readonly NodeState[]): unknown;
  /** 0 to 100, higher is better; with `normalize` any range. */
  score(pod: QueuedPod, node: NodeState, shared: unknown): number;
  /** Brings the scores of all nodes into 0 to 100, in place. */
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
  /** Whether this event may make a pod fit that this plugin refused. */
  readonly wokenBy?: (event: ClusterEvent, pod: QueuedPod) => boolean;
} & Partial<Hooks>;

export const having = <H extends keyof Hooks>(
  plugins: readonly Plugin[],
  hook: H,
): readonly (Plugin & Pick<Hooks, H>)[] =>
  plugins.filter((plugin): plugin is Plugin & Pick<Hooks, H> => plugin[hook] !== undefined);
