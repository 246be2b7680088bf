/**
 * What a node's silence, or its own word, changes on the Node: conditions, taints. Pure. It never
 * moves a pod: taints do, through the taint eviction controller.
 */
import type { Node, NodeCondition, Taint } from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { notReadyTaint, unreachableTaint } from "../taints.ts";

export const limits = {
  /**
   * A node of which nothing was heard for so long is taken for lost: others see that it is not
   * ready no later than this after its last word. Four heartbeats, and the lease's own duration,
   * as upstream had it until 1.31; it takes 50 s since, to spare nodes that are under pressure. A
   * Service sends requests to nowhere for this long, so we keep to the shorter: see
   * docs/decisions/0010-a-lost-node-is-not-ready-within-40-s.md.
   */
  monitorGraceMs: 40_000,
  /** Of the grace: to ask at the source once more, and to write the verdict down. */
  verdictMs: 500,
  /** A new node has so long to say its first word. */
  startupGraceMs: 60_000,
} as const;

export const nodeCondition = (node: Node, type: string): NodeCondition | undefined =>
  node.status?.conditions?.find((condition) => condition.type === type);

export const isNodeReady = (node: Node): boolean => nodeCondition(node, "Ready")?.status === "True";

/** True when the node was given up, and has said nothing of itself since. */
export const isSilenced = (node: Node): boolean =>
  nodeCondition(node, "Ready")?.status === "Unknown";

/** Milliseconds of silence after which this node is judged. */
export const graceMs = (node: Node, monitorGraceMs: number): number =>
  nodeCondition(node, "Ready") === undefined
    ? Math.max(limits.startupGraceMs, monitorGraceMs)
    : Math.max(0, monitorGraceMs - limits.verdictMs);

/** Conditions that nobody vouches for after the grace period. */
const kubeletConditions = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] as const;

/** The conditions of a node that fell silent; those that are Unknown already stay as they are. */
export function silentConditions(node: Node, nowMs: number): readonly NodeCondition[] {
  const now = rfc3339(nowMs);
  const present = node.status?.conditions ?? [];
  const others = present.filter(({ type }) => !kubeletConditions.some((one) => one === type));
  const silent = kubeletConditions.map((type): NodeCondition => {
    const before = nodeCondition(node, type);
    if (before === undefined)
      return {
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata?.creationTimestamp ?? now,
        lastTransitionTime: now,
      };
    if (before.status === "Unknown") return before;
    return {
      ...before,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: now,
    };
  });
  return [...others, ...silent];
}

/** Conditions that keep new pods away while they have this status. */
const keepsAway: readonly (readonly [type: string, status: string, taint: string])[] = [
  ["Ready", "False", notReadyTaint],
  ["Ready", "Unknown", unreachableTaint],
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
];
const unschedulableTaint = "node.kubernetes.io/unschedulable";

const managed = new Set([...keepsAway.map(([, , taint]) => taint), unschedulableTaint]);
const evicting = new Set([notReadyTaint, unreachableTaint]);

/** The NoExecute taint that a node's Ready condition calls for; undefined: none. */
export function evictingTaint(node: Node): string | undefined {
  const status = nodeCondition(node, "Ready")?.status ?? "Unknown";
  if (status === "True") return undefined;
  return status === "False" ? notReadyTaint : unreachableTaint;
}

/** Of a node that has none: always this very list. */
export const noTaints: readonly Taint[] = [];

/** True when no taint is missing, and none is left from before; but for those that need a turn. */
export const areTaintsRight = (node: Node, nowMs: number): boolean =>
  wantedTaints(node, { mayEvict: false, mustSpare: false, nowMs }) ===
  (node.spec?.taints ?? noTaints);

/**
 * The node's taints as they should be; the very same array when nothing changes. `mayEvict`:
 * whether the taint that drives pods away may be set now; one that is there stays while the reason
 * for it does, unless `mustSpare`.
 */
export function wantedTaints(
  node: Node,
  { mayEvict, mustSpare, nowMs }: EvictionRule,
): readonly Taint[] {
  const present = node.spec?.taints ?? noTaints;
  const noSchedule = keepsAway
    .filter(([type, status]) => nodeCondition(node, type)?.status === status)
    .map(([, , taint]) => taint);
  if (node.spec?.unschedulable === true) noSchedule.push(unschedulableTaint);
  const noExecute = evictingTaint(node);
  const has = (key: string, effect: string): boolean =>
    present.some((taint) => taint.key === key && taint.effect === effect);
  const stays = ({ key, effect }: Taint): boolean => {
    if (effect === "NoSchedule" && managed.has(key)) return noSchedule.includes(key);
    if (effect === "NoExecute" && evicting.has(key)) return key === noExecute && !mustSpare;
    return true;
  };
  const timeAdded = rfc3339(nowMs);
  const added = [
    ...noSchedule
      .filter((key) => !has(key, "NoSchedule"))
      .map((key) => ({ key, effect: "NoSchedule", timeAdded })),
    ...(noExecute !== undefined && mayEvict && !mustSpare && !has(noExecute, "NoExecute")
      ? [{ key: noExecute, effect: "NoExecute", timeAdded }]
      : []),
  ];
  const kept = present.filter(stays);
  return kept.length === present.length && added.length === 0 ? present : [...kept, ...added];
}

/** See wantedTaints. */
export interface EvictionRule {
  readonly mayEvict: boolean;
  readonly mustSpare: boolean;
  readonly nowMs: number;
}

/** Nodes that fail together: the same zone of the same region. */
export const zoneOf = ({ metadata }: Node): string =>
  [
    metadata?.labels?.["topology.kubernetes.io/region"] ?? "",
    metadata?.labels?.["topology.kubernetes.io/zone"] ?? "",
  ].join("/");

export interface Disruption {
  /** Every node of every zone is lost: more likely it is we that cannot see. Nobody is evicted. */
  readonly isTotal: boolean;
  /** Nodes a second that may be tainted for eviction, by zone. */
  readonly rates: ReadonlyMap<string, number>;
}

const pace = {
  /** One node every ten seconds. */
  normal: 0.1,
  /** In a zone of which most is lost, if it is large. */
  slow: 0.01,
  /** Below this many nodes, a zone of which most is lost evicts nobody. */
  largeZoneNodes: 50,
  /** The share of a zone that makes it disrupted, and the least number of lost nodes. */
  disruptedShare: 0.55,
  disruptedNodesMin: 3,
} as const;

export function disruptionOf(nodes: readonly Node[]): Disruption {
  const zones = new Map<string, { ready: number; lost: number }>();
  for (const node of nodes) {
    const zone = zones.get(zoneOf(node)) ?? { ready: 0, lost: 0 };
    if (isNodeReady(node)) zone.ready += 1;
    else zone.lost += 1;
    zones.set(zoneOf(node), zone);
  }
  const rates = new Map<string, number>();
  for (const [name, { ready, lost }] of zones) {
    const isPartial =
      ready > 0 && lost >= pace.disruptedNodesMin && lost / (ready + lost) >= pace.disruptedShare;
    const slow = ready + lost > pace.largeZoneNodes ? pace.slow : 0;
    rates.set(name, isPartial ? slow : pace.normal);
  }
  const isTotal = zones.size > 0 && [...zones.values()].every(({ ready }) => ready === 0);
  return { isTotal, rates };
}
