import { containersOf } from "../pods/pod-spec.ts";
import { aliveContainers, type RuntimeContainer } from "../runtime/runtime-pod.ts";
import type { PlanInput, PodAction, PodPlan, Stopping } from "./plan-contract.ts";

/** A container that waited for others to end still gets a moment of its own. */
const graceSecondsMin = 2;

/**
 * Ends a pod: its containers at once, then its sidecars, the last one first, then the sandbox. A
 * sidecar outlives what it serves, and all share the pod's grace period.
 */
export function planStop(input: PlanInput, stopping: Stopping): PodPlan {
  const { pod, runtime, nowMs } = input;
  const alive = aliveContainers(runtime);
  const sidecars = containersOf(pod)
    .filter(({ kind }) => kind === "sidecar")
    .map(({ container }) => container.name);
  const first = alive.filter(({ name }) => !sidecars.includes(name));
  const last = sidecars
    .toReversed()
    .map((name) => alive.filter((container) => container.name === name))
    .find((containers) => containers.length > 0);
  const doomed = first.length > 0 ? first : (last ?? []);
  if (doomed.length > 0) {
    const elapsedSeconds = (nowMs - stopping.sinceMs) / 1000;
    const graceSeconds =
      first.length > 0
        ? stopping.graceSeconds
        : Math.max(Math.ceil(stopping.graceSeconds - elapsedSeconds), minimum(stopping));
    return { actions: doomed.map((one) => end(one, graceSeconds)), heldBack: [], isOver: false };
  }
  const actions = runtime.sandboxes
    .filter((sandbox) => sandbox.isReady)
    .map(({ id }): PodAction => ({ do: "stop-sandbox", sandboxId: id }));
  return { actions, heldBack: [], isOver: actions.length === 0 };
}

/** Who asked for no grace gets none. */
const minimum = ({ graceSeconds }: Stopping): number => Math.min(graceSeconds, graceSecondsMin);

const end = (container: RuntimeContainer, graceSeconds: number): PodAction => ({
  do: "kill",
  container,
  graceSeconds,
  message: `Stopping container ${container.name}`,
  restart: false,
});
