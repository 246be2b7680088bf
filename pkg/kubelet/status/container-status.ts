import type {
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
} from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { ProbeKind, ProbeResult } from "../probes/probe-state.ts";
import type { SpecContainer } from "../pods/pod-spec.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";

/** Why a container is not running yet. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

export interface StatusFacts {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly nowMs: number;
  /** By container name: what holds a container back, beside its turn. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** Undefined: the container has no such probe. */
  readonly probe: (container: RuntimeContainer, kind: ProbeKind) => ProbeResult | undefined;
  /** By container id. */
  readonly terminationMessages: ReadonlyMap<string, string>;
  /** Ids of containers whose postStart hook is still running. */
  readonly postStarting: ReadonlySet<string>;
  /** Nothing is started any more. */
  readonly isStopping: boolean;
}

/** Container ids in the API name the runtime too. */
export const runtimeName = "tskube";
/** Killed by a signal that nobody saw. */
const unknownExitCode = 137;

const containerId = ({ id }: RuntimeContainer): string => `${runtimeName}://${id}`;

export const isContainerStarted = (
  container: RuntimeContainer | undefined,
  facts: Pick<StatusFacts, "probe" | "postStarting">,
): boolean =>
  container?.phase === "running" &&
  !facts.postStarting.has(container.id) &&
  (facts.probe(container, "startup") ?? "success") === "success";

/** One container's status, from the newest container of its name and the one before. */
export function containerStatus(
  spec: SpecContainer,
  facts: StatusFacts,
  isInitialized: boolean,
): ContainerStatus {
  const { container, kind } = spec;
  const [latest, ...earlier] = facts.runtime.containers.filter(
    ({ name }) => name === container.name,
  );
  const state = stateOf(spec, latest, facts, isInitialized);
  const before = lastState(latest, state, earlier, facts);
  const started = isContainerStarted(latest, facts);
  const isReady =
    kind === "init"
      ? state.terminated?.exitCode === 0
      : started &&
        latest !== undefined &&
        (facts.probe(latest, "readiness") ?? "success") === "success";
  return {
    name: container.name,
    state,
    lastState: before,
    ready: isReady,
    restartCount: latest?.restartCount ?? 0,
    image: latest?.image || (container.image ?? ""),
    imageID: latest?.imageRef ?? "",
    ...(latest === undefined ? {} : { containerID: containerId(latest) }),
    ...(kind === "ephemeral" ? {} : { started }),
    ...resourcesOf(spec, latest),
    ...(latest?.user === undefined || latest.phase !== "running"
      ? {}
      : { user: { linux: latest.user } }),
    ...volumesOf(spec),
  };
}

/** What is in force: the spec's, as long as it runs. */
const resourcesOf = (
  { container }: SpecContainer,
  latest: RuntimeContainer | undefined,
): Pick<ContainerStatus, "resources" | "allocatedResources"> => {
  const { requests, limits } = container.resources ?? {};
  if (latest === undefined || (requests ?? limits) === undefined)
    return latest === undefined ? {} : { resources: {} };
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: {
      ...(limits === undefined ? {} : { limits }),
      ...(requests === undefined ? {} : { requests }),
    },
  };
};

const volumesOf = ({ container }: SpecContainer): Pick<ContainerStatus, "volumeMounts"> => {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: "Disabled" } : {}),
    })),
  };
};

function stateOf(
  { container, kind }: SpecContainer,
  latest: RuntimeContainer | undefined,
  facts: StatusFacts,
  isInitialized: boolean,
): ContainerState {
  const held = facts.waiting.get(container.name);
  if (latest?.phase === "running") return { running: { startedAt: rfc3339(latest.startedAtMs) } };
  const over = latest?.phase === "exited" || latest?.phase === "unknown";
  if (latest !== undefined && over && (held === undefined || facts.isStopping))
    return { terminated: terminated(latest, facts) };
  if (held !== undefined && !facts.isStopping) return { waiting: { ...held } };
  const reason =
    kind === "regular" && !isInitialized ? "PodInitializing" : initialReason(kind, facts);
  return { waiting: { reason } };
}

const initialReason = (kind: SpecContainer["kind"], { pod }: StatusFacts): string =>
  kind === "init" || (kind === "sidecar" && (pod.spec.initContainers?.length ?? 0) > 1)
    ? "PodInitializing"
    : "ContainerCreating";

/** The end before the present state: of this container when it waits to be restarted. */
function lastState(
  latest: RuntimeContainer | undefined,
  state: ContainerState,
  earlier: readonly RuntimeContainer[],
  facts: StatusFacts,
): ContainerState {
  const over = latest?.phase === "exited" || latest?.phase === "unknown";
  const before = over && state.waiting !== undefined ? latest : earlier[0];
  if (before === undefined || before.phase === "running" || before.phase === "created") return {};
  return { terminated: terminated(before, facts) };
}

function terminated(container: RuntimeContainer, facts: StatusFacts): ContainerStateTerminated {
  const message = facts.terminationMessages.get(container.id) || container.message;
  const isUnknown = container.phase === "unknown";
  return {
    exitCode: isUnknown ? unknownExitCode : container.exitCode,
    reason: isUnknown ? "ContainerStatusUnknown" : reasonOf(container),
    ...(message === "" ? {} : { message }),
    startedAt: rfc3339(container.startedAtMs),
    finishedAt: rfc3339(container.finishedAtMs),
    containerID: containerId(container),
  };
}

const reasonOf = ({ reason, exitCode }: RuntimeContainer): string => {
  if (reason !== "") return reason;
  return exitCode === 0 ? "Completed" : "Error";
};
