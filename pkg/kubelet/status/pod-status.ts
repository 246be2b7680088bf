/**
 * A pod's status: a pure function of its spec, the runtime's report and the probes' results.
 */
import type { ContainerStatus, Pod, PodCondition, PodStatus } from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { containersOf, isTerminalPhase, type SpecContainer } from "../pods/pod-spec.ts";
import { qosOf } from "../runtime/qos.ts";
import { currentSandbox, latestContainer } from "../runtime/runtime-pod.ts";
import { conditionsOf } from "./conditions.ts";
import { containerStatus, isContainerStarted } from "./container-status.ts";
import { phaseOf } from "./pod-phase.ts";
import type { PodStatusFacts } from "./pod-status-facts.ts";

export function podStatus(facts: PodStatusFacts): PodStatus {
  const { pod, before } = facts;
  const isInitialized = initialized(facts);
  const all = containersOf(pod).map((spec) => ({
    spec,
    status: containerStatus(spec, facts, isInitialized),
  }));
  const statuses = new Map(all.map(({ spec, status }) => [spec.container.name, status]));
  const phase = finalPhase(facts, statuses);
  const some = (...kinds: readonly SpecContainer["kind"][]): readonly ContainerStatus[] =>
    all.filter(({ spec }) => kinds.includes(spec.kind)).map(({ status }) => status);
  const [inits, regular, debuggers] = [some("init", "sidecar"), some("regular"), some("ephemeral")];
  const conditions: readonly PodCondition[] = conditionsOf({
    ...facts,
    phase,
    statuses,
    isInitialized,
  });
  return {
    ...(pod.metadata?.generation === undefined
      ? {}
      : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions,
    ...(facts.failure ?? keptReason(before, phase)),
    ...addresses(facts),
    startTime: before?.startTime ?? rfc3339(facts.startMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: regular,
    ...(debuggers.length === 0 ? {} : { ephemeralContainerStatuses: debuggers }),
    qosClass: qosOf(pod),
  };
}

/** A phase that ends a pod is never taken back. */
function finalPhase(facts: PodStatusFacts, statuses: ReadonlyMap<string, ContainerStatus>): string {
  const before = facts.before?.phase;
  if (before !== undefined && isTerminalPhase(before)) return before;
  if (facts.failure !== undefined) return "Failed";
  return phaseOf({ pod: facts.pod, statuses, isOver: facts.isOver });
}

const keptReason = (
  before: PodStatus | undefined,
  phase: string,
): Pick<PodStatus, "reason" | "message"> =>
  before === undefined || before.phase !== phase || !isTerminalPhase(phase)
    ? {}
    : {
        ...(before.reason === undefined ? {} : { reason: before.reason }),
        ...(before.message === undefined ? {} : { message: before.message }),
      };

/** Every init container came to a good end, and every sidecar has started. */
function initialized(facts: PodStatusFacts): boolean {
  const { runtime } = facts;
  const sandboxId = currentSandbox(runtime)?.id;
  const wasPassed = facts.pod.spec.containers.some(({ name }) => {
    const latest = latestContainer(runtime, name);
    return latest !== undefined && (sandboxId === undefined || latest.sandboxId === sandboxId);
  });
  if (wasPassed) return true;
  return containersOf(facts.pod).every(({ kind, container }) => {
    const latest = latestContainer(runtime, container.name);
    if (kind === "sidecar") return isContainerStarted(latest, facts);
    if (kind === "init") return latest?.phase === "exited" && latest.exitCode === 0;
    return true;
  });
}

/** The pod's addresses: its sandbox's, or the node's on the host's network. */
export function podIPsOf(
  pod: Pod,
  facts: Pick<PodStatusFacts, "runtime" | "nodeIPs">,
): readonly string[] {
  const sandbox = currentSandbox(facts.runtime) ?? facts.runtime.sandboxes[0];
  if (pod.spec.hostNetwork === true) return sandbox === undefined ? [] : facts.nodeIPs;
  return sandbox?.ips ?? [];
}

function addresses(facts: PodStatusFacts): Partial<PodStatus> {
  const ips = podIPsOf(facts.pod, facts);
  const [hostIP] = facts.nodeIPs;
  const [podIP] = ips;
  return {
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: facts.nodeIPs.map((ip) => ({ ip })) }),
    ...(podIP === undefined ? {} : { podIP, podIPs: ips.map((ip) => ({ ip })) }),
  };
}
