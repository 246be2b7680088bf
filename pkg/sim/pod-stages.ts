/**
 * What a node's kubelet would say of a pod at a given time, when nothing goes wrong: Pending while
 * images come, Running, then Ready; and gone some time after it was asked to end. Pure.
 */
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../../api/core/v1.ts";
import { rfc3339 } from "../base/clock.ts";

/** When each stage of one pod begins, in milliseconds since the epoch. */
export interface PodTimes {
  readonly seenMs: number;
  readonly runningMs: number;
  readonly readyMs: number;
  /** Set when it was asked to end. */
  readonly endedMs?: number;
}

export interface PodPlace {
  readonly hostIP: string;
  readonly podIP: string;
}

export type PodStep =
  | { readonly do: "write"; readonly status: PodStatus }
  | { readonly do: "remove" }
  | { readonly do: "nothing" };

export interface PodDecision {
  readonly step: PodStep;
  /** When to look again; undefined: nothing happens by itself any more. */
  readonly nextMs?: number;
}

/** What to do about a pod now, and when to look again. */
export function planSimulatedPod(
  pod: Pod,
  times: PodTimes,
  place: PodPlace,
  nowMs: number,
): PodDecision {
  if (times.endedMs !== undefined)
    return nowMs >= times.endedMs
      ? { step: { do: "remove" } }
      : { step: { do: "nothing" }, nextMs: times.endedMs };
  const stage = nowMs >= times.readyMs ? "ready" : nowMs >= times.runningMs ? "running" : "pending";
  const status = statusAt(pod, stage, times, place);
  const isSaid =
    pod.status?.phase === status.phase &&
    status.conditions?.every(({ type, status: value }) =>
      pod.status?.conditions?.some((one) => one.type === type && one.status === value),
    ) === true &&
    pod.status?.podIP === status.podIP &&
    pod.status?.containerStatuses?.length === status.containerStatuses?.length;
  const nextMs =
    stage === "pending" ? times.runningMs : stage === "running" ? times.readyMs : undefined;
  const step: PodStep = isSaid ? { do: "nothing" } : { do: "write", status };
  return { step, ...(nextMs === undefined ? {} : { nextMs }) };
}

type Stage = "pending" | "running" | "ready";

function statusAt(pod: Pod, stage: Stage, times: PodTimes, place: PodPlace): PodStatus {
  const isReady = stage === "ready";
  const isRunning = stage !== "pending";
  const seen = rfc3339(times.seenMs);
  const readySince = rfc3339(isReady ? times.readyMs : times.seenMs);
  const waiting = isReady
    ? {}
    : { reason: "ContainersNotReady", message: "the simulated containers are not ready yet" };
  const own: readonly PodCondition[] = [
    { type: "PodReadyToStartContainers", status: "True", lastTransitionTime: seen },
    { type: "Initialized", status: "True", lastTransitionTime: seen },
    ...["Ready", "ContainersReady"].map((type) => ({
      type,
      status: isReady ? "True" : "False",
      lastTransitionTime: readySince,
      ...waiting,
    })),
  ];
  const kept = (pod.status?.conditions ?? []).filter(
    ({ type }) => !own.some((one) => one.type === type),
  );
  return {
    ...pod.status,
    // A pod that once ran does not become pending again, also when its node was started anew.
    phase: isRunning || pod.status?.phase === "Running" ? "Running" : "Pending",
    conditions: [...kept, ...own],
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    ...(isRunning ? { podIP: place.podIP, podIPs: [{ ip: place.podIP }] } : {}),
    startTime: pod.status?.startTime ?? seen,
    containerStatuses: (pod.spec?.containers ?? []).map(({ name, image = "" }) =>
      containerStatus(pod, name, image, stage, times),
    ),
  };
}

function containerStatus(
  pod: Pod,
  name: string,
  image: string,
  stage: Stage,
  times: PodTimes,
): ContainerStatus {
  const isRunning = stage !== "pending";
  return {
    name,
    image,
    imageID: isRunning ? `simulated://${image}` : "",
    ...(isRunning ? { containerID: `simulated://${pod.metadata?.uid}/${name}` } : {}),
    ready: stage === "ready",
    started: isRunning,
    restartCount: 0,
    state: isRunning
      ? { running: { startedAt: rfc3339(times.runningMs) } }
      : { waiting: { reason: "ContainerCreating" } },
  };
}
