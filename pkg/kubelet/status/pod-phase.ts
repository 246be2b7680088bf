import type { ContainerStatus, Pod } from "../../../api/core/v1.ts";
import { containersOf } from "../pods/pod-spec.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PhaseFacts {
  readonly pod: Pod;
  readonly statuses: ReadonlyMap<string, ContainerStatus>;
  /** The pod was stopped, and nothing of it runs. */
  readonly isOver: boolean;
}

type Standing = "waiting" | "running" | "succeeded" | "failed";

/** A container that waits to be restarted has stopped; one that never ran waits. */
function standingOf(status: ContainerStatus | undefined): Standing {
  if (status?.state?.running !== undefined) return "running";
  const end = status?.state?.terminated ?? status?.lastState?.terminated;
  if (end === undefined) return "waiting";
  return end.exitCode === 0 ? "succeeded" : "failed";
}

/** Where a pod is in its life, from its containers' statuses and its restart policy. */
export function phaseOf({ pod, statuses, isOver }: PhaseFacts): PodPhase {
  const policy = pod.spec.restartPolicy ?? "Always";
  const inits = containersOf(pod).filter(({ kind }) => kind === "init" || kind === "sidecar");
  const regular = pod.spec.containers.map(({ name }) => standingOf(statuses.get(name)));
  const count = (standing: Standing): number => regular.filter((one) => one === standing).length;
  if (isOver) return overPhase(pod, statuses, regular);
  let isInitializing = false;
  for (const { kind, container } of inits) {
    const status = statuses.get(container.name);
    if (kind === "sidecar") isInitializing ||= status?.started !== true && count("waiting") > 0;
    else if (status?.state?.terminated?.exitCode !== 0) {
      const failed = status?.state?.terminated !== undefined;
      if (failed && policy === "Never") return "Failed";
      // Once regular containers ran, removed init containers are no sign of anything.
      isInitializing ||= count("waiting") === regular.length;
    }
  }
  if (isInitializing || count("waiting") > 0) return "Pending";
  if (count("running") > 0 || policy === "Always") return "Running";
  if (count("succeeded") === regular.length) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

/** A pod that was stopped has succeeded only if all of it had a good end. */
const overPhase = (
  pod: Pod,
  statuses: ReadonlyMap<string, ContainerStatus>,
  regular: readonly Standing[],
): PodPhase => {
  const initFailed = containersOf(pod).some(({ kind, container }) => {
    const end = statuses.get(container.name)?.state?.terminated;
    return kind === "init" && end !== undefined && end.exitCode !== 0;
  });
  return !initFailed && regular.every((one) => one === "succeeded") ? "Succeeded" : "Failed";
};
