/** A DaemonSet's pods by the node that each is for. Pure. */
import type { DaemonSet } from "../../../api/apps/v1.ts";
import type { Node, Pod } from "../../../api/core/v1.ts";
import { availableInMs, isPodTerminal } from "../pod-facts.ts";
import { suitability, targetNodeOf, type Suitability } from "./daemon-pod.ts";

/** A node as one DaemonSet sees it. */
export interface NodePods extends Suitability {
  readonly name: string;
  /** Those that count first come first: bound before unbound, old before young. */
  readonly pods: readonly Pod[];
}

export interface Situation {
  readonly daemonSet: DaemonSet;
  /** Of the current template's revision. */
  readonly hash: string;
  readonly nodes: readonly NodePods[];
  /** Not bound, and made for a node that is not there: nobody else will ever end them. */
  readonly stranded: readonly Pod[];
  readonly nowMs: number;
}

const isBound = ({ spec }: Pod): boolean => (spec?.nodeName ?? "") !== "";

const rank = (pod: Pod): string =>
  `${isBound(pod) ? 0 : 1} ${pod.metadata?.creationTimestamp ?? ""} ${pod.metadata?.name ?? ""}`;

const byRank = (one: Pod, other: Pod): number => (rank(one) < rank(other) ? -1 : 1);

export interface Seen {
  readonly nodes: readonly Node[];
  /** Its own. */
  readonly pods: readonly Pod[];
  readonly hash: string;
  readonly nowMs: number;
}

export function situationOf(daemonSet: DaemonSet, { nodes, pods, hash, nowMs }: Seen): Situation {
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    // It has ended and is being taken away: its node waits for nothing.
    if (isPodTerminal(pod) && pod.metadata?.deletionTimestamp !== undefined) continue;
    const name = targetNodeOf(pod);
    if (name === undefined) continue;
    const there = byNode.get(name);
    if (there === undefined) byNode.set(name, [pod]);
    else there.push(pod);
  }
  const judge = suitability(daemonSet);
  const seen = nodes.map((node): NodePods => {
    const name = node.metadata?.name ?? "";
    const own = byNode.get(name) ?? [];
    byNode.delete(name);
    return { name, ...judge(node), pods: own.length > 1 ? own.toSorted(byRank) : own };
  });
  const stranded = [...byNode.values()].flat().filter((pod) => !isBound(pod));
  return { daemonSet, hash, nodes: seen, stranded, nowMs };
}

/** Ready for as long as the DaemonSet wants before it counts. */
export const isAvailable = (pod: Pod, { daemonSet, nowMs }: Situation): boolean =>
  availableInMs(pod, daemonSet.spec.minReadySeconds ?? 0, nowMs) === 0;
