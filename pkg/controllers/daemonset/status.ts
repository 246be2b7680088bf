import type { DaemonSetStatus } from "../../../api/apps/v1.ts";
import { availableInMs, isPodReady } from "../pod-facts.ts";
import { isUpdated } from "./daemon-pod.ts";
import { isAvailable, type Situation } from "./node-pods.ts";

/** The status as it should be written. Pure. */
export function daemonSetStatus(situation: Situation): DaemonSetStatus {
  const { daemonSet, hash, nodes } = situation;
  const meant = nodes.filter(({ shouldRun }) => shouldRun);
  // Of several pods on a node the first counts.
  const counted = meant.flatMap(({ pods }) => pods.slice(0, 1));
  const ready = counted.filter(isPodReady);
  const available = ready.filter((pod) => isAvailable(pod, situation)).length;
  const { collisionCount, conditions } = daemonSet.status ?? {};
  return {
    currentNumberScheduled: counted.length,
    numberMisscheduled: nodes.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    desiredNumberScheduled: meant.length,
    numberReady: ready.length,
    observedGeneration: daemonSet.metadata?.generation ?? 0,
    updatedNumberScheduled: counted.filter((pod) => isUpdated(pod, daemonSet, hash)).length,
    numberAvailable: available,
    numberUnavailable: meant.length - available,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}

/** Milliseconds until the next ready pod becomes available; undefined: none is waiting for it. */
export function nextAvailableInMs({ daemonSet, nodes, nowMs }: Situation): number | undefined {
  const minReadySeconds = daemonSet.spec.minReadySeconds ?? 0;
  const waits = nodes
    .flatMap(({ pods }) => pods)
    .map((pod) => availableInMs(pod, minReadySeconds, nowMs) ?? 0)
    .filter((ms) => ms > 0);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
