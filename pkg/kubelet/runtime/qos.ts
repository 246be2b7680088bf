import type { Container, Pod } from "../../../api/core/v1.ts";
import { unitsOf, millisOf, requestsOf } from "./amounts.ts";
import { uidOf } from "../pods/pod-spec.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const compute = ["cpu", "memory"] as const;

const isGuaranteed = ({ resources }: Container): boolean =>
  compute.every((name) => {
    const limit = millisOf(resources?.limits, name);
    return limit !== undefined && limit === millisOf(requestsOf(resources), name);
  });

const asksForAnything = ({ resources }: Container): boolean =>
  compute.some(
    (name) =>
      millisOf(resources?.limits, name) !== undefined ||
      millisOf(resources?.requests, name) !== undefined,
  );

/** How a pod stands when the node runs short, by what its containers asked for. */
export function qosOf(pod: Pod): QosClass {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass as QosClass;
  const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  if (containers.every(isGuaranteed)) return "Guaranteed";
  return containers.some(asksForAnything) ? "Burstable" : "BestEffort";
}

const parents: Readonly<Record<QosClass, string>> = {
  Guaranteed: "/kubepods",
  Burstable: "/kubepods/burstable",
  BestEffort: "/kubepods/besteffort",
};

export const cgroupParents: readonly string[] = Object.values(parents);

/** The pod's cgroup, in the manner of the cgroupfs driver: /kubepods/burstable/pod<uid>. */
export const cgroupParentOf = (pod: Pod, cgroupRoot: string): string =>
  `${cgroupRoot}${parents[qosOf(pod)]}/pod${uidOf(pod)}`;

const systemPriority = 2_000_000_000;

/**
 * From -997 (killed last) to 1000 (killed first). In between, a container that asked for a larger
 * part of the machine's memory is killed later. Those above 2 billion in priority keep the node up.
 */
export function oomScoreAdjOf(pod: Pod, container: Container, machineMemoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= systemPriority) return -997;
  const qos = qosOf(pod);
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const requested = unitsOf(requestsOf(container.resources), "memory") ?? 0;
  const score = 1000 - Math.floor((1000 * requested) / machineMemoryBytes);
  return Math.min(999, Math.max(3, score));
}
