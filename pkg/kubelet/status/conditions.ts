import type { ContainerStatus, Pod, PodCondition } from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import { containersOf } from "../pods/pod-spec.ts";
import { currentSandbox } from "../runtime/runtime-pod.ts";
import type { PodStatusFacts } from "./pod-status-facts.ts";

export interface ConditionFacts extends PodStatusFacts {
  readonly phase: string;
  readonly statuses: ReadonlyMap<string, ContainerStatus>;
  readonly isInitialized: boolean;
}

type Verdict = Pick<PodCondition, "type" | "status" | "reason" | "message">;

const yes = (type: string, reason?: string): Verdict =>
  reason === undefined ? { type, status: "True" } : { type, status: "True", reason };
const no = (type: string, reason: string, message?: string): Verdict => ({
  type,
  status: "False",
  reason,
  ...(message === undefined ? {} : { message }),
});

/** The kubelet's own conditions, then those that others keep in the pod's status. */
export function conditionsOf(facts: ConditionFacts): readonly PodCondition[] {
  const ready = containersReady(facts);
  const own = [
    sandboxReady(facts),
    initializedCondition(facts),
    podReady(facts, ready),
    ready,
    yes("PodScheduled"),
  ].map((verdict) => dated(verdict, facts));
  const types = new Set(own.map(({ type }) => type));
  const others = (facts.pod.status?.conditions ?? []).filter(({ type }) => !types.has(type));
  return [...own, ...others];
}

/** A condition's time is that of its last change. */
function dated(verdict: Verdict, facts: ConditionFacts): PodCondition {
  const known = facts.before?.conditions ?? facts.pod.status?.conditions ?? [];
  const before = known.find(({ type }) => type === verdict.type);
  const isSame = before?.status === verdict.status && before.lastTransitionTime !== undefined;
  const { generation } = facts.pod.metadata ?? {};
  return {
    ...verdict,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: isSame ? before.lastTransitionTime : rfc3339(facts.nowMs),
  };
}

const sandboxReady = ({ runtime, pod }: ConditionFacts): Verdict => {
  const sandbox = currentSandbox(runtime);
  const isUp = sandbox !== undefined && (pod.spec.hostNetwork === true || sandbox.ips.length > 0);
  return { type: "PodReadyToStartContainers", status: isUp ? "True" : "False" };
};

function initializedCondition(facts: ConditionFacts): Verdict {
  const type = "Initialized";
  if (facts.phase === "Succeeded") return yes(type, "PodCompleted");
  if (facts.isInitialized) return yes(type);
  const incomplete = namesOf(facts.pod, facts, ["init", "sidecar"]);
  return no(
    type,
    "ContainersNotInitialized",
    `containers with incomplete status: [${incomplete.join(" ")}]`,
  );
}

/** Those of some kinds that are not ready. */
const namesOf = (
  pod: Pod,
  { statuses }: ConditionFacts,
  kinds: readonly string[],
): readonly string[] =>
  containersOf(pod)
    .filter(
      ({ kind, container }) => kinds.includes(kind) && !isReady(kind, statuses, container.name),
    )
    .map(({ container }) => container.name);

const isReady = (
  kind: string,
  statuses: ReadonlyMap<string, ContainerStatus>,
  name: string,
): boolean => {
  const status = statuses.get(name);
  return kind === "sidecar" ? status?.started === true : status?.ready === true;
};

function containersReady(facts: ConditionFacts): Verdict {
  const type = "ContainersReady";
  if (facts.phase === "Succeeded") return no(type, "PodCompleted");
  if (facts.phase === "Failed") return no(type, "PodFailed");
  const unready = containersOf(facts.pod)
    .filter(({ kind }) => kind === "regular" || kind === "sidecar")
    .map(({ container }) => container.name)
    .filter((name) => facts.statuses.get(name)?.ready !== true);
  if (unready.length === 0) return yes(type);
  return no(type, "ContainersNotReady", `containers with unready status: [${unready.join(" ")}]`);
}

/** The containers are ready, and so is whatever else the pod waits for by its readiness gates. */
function podReady(facts: ConditionFacts, containers: Verdict): Verdict {
  const type = "Ready";
  if (containers.status !== "True") return { ...containers, type };
  const conditions = facts.pod.status?.conditions ?? [];
  const failing = (facts.pod.spec.readinessGates ?? [])
    .map(
      ({ conditionType }) => conditions.find((one) => one.type === conditionType) ?? conditionType,
    )
    .filter((gate) => typeof gate === "string" || gate.status !== "True")
    .map((gate) =>
      typeof gate === "string"
        ? `corresponding condition of pod readiness gate "${gate}" does not exist.`
        : `the status of pod readiness gate "${gate.type}" is not "True", but ${gate.status}`,
    );
  return failing.length === 0 ? yes(type) : no(type, "ReadinessGatesNotReady", failing.join(", "));
}
