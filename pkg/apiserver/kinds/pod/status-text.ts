/** What a list of pods says of each: how many containers are ready, what it is doing, restarts. */
import type {
  Container,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
} from "../../../../api/core/v1.ts";
import { since } from "../../../machinery/human-duration.ts";

interface Summary {
  readonly ready: number;
  readonly reason: string;
  readonly restarts: number;
  /** RFC 3339; "" when nothing was restarted. */
  readonly lastRestart: string;
}

const isSidecar = (container: Container | undefined): boolean =>
  container?.restartPolicy === "Always";

const isTrue = ({ status }: Pod, type: string): boolean =>
  status?.conditions?.some((one) => one.type === type && one.status === "True") === true;

const finishedAt = ({ lastState }: ContainerStatus): string =>
  lastState?.terminated?.finishedAt ?? "";

const later = (times: readonly string[]): string =>
  times.reduce(
    (latest, time) => (Date.parse(time) > (Date.parse(latest) || 0) ? time : latest),
    "",
  );

/** Of containers that ended: the reason that the runtime gave, or else signal or code. */
const endText = ({ reason = "", signal = 0, exitCode }: ContainerStateTerminated): string =>
  reason !== "" ? reason : signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode}`;

function restartsOf(
  statuses: readonly ContainerStatus[],
): Pick<Summary, "restarts" | "lastRestart"> {
  return {
    restarts: statuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
    lastRestart: later(statuses.map(finishedAt)),
  };
}

/** Undefined: this init container does not hold the pod up. */
function initReason(
  status: ContainerStatus,
  sidecar: boolean,
  progress: string,
): string | undefined {
  const { terminated, waiting } = status.state ?? {};
  if (terminated?.exitCode === 0) return undefined;
  if (sidecar && status.started === true) return undefined;
  if (terminated !== undefined) return `Init:${endText(terminated)}`;
  const reason = waiting?.reason ?? "";
  return reason !== "" && reason !== "PodInitializing" ? `Init:${reason}` : `Init:${progress}`;
}

interface InitSummary extends Summary {
  readonly isInitializing: boolean;
}

function summarizeInit(pod: Pod, reason: string): InitSummary {
  const containers = pod.spec?.initContainers ?? [];
  const seen: ContainerStatus[] = [];
  const sidecars: ContainerStatus[] = [];
  let ready = 0;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(containers.find(({ name }) => name === status.name));
    seen.push(status);
    if (sidecar) sidecars.push(status);
    const holdUp = initReason(status, sidecar, `${index}/${containers.length}`);
    if (holdUp !== undefined)
      return { ready, reason: holdUp, isInitializing: true, ...restartsOf(seen) };
    // One that ended well counts no more; its state is then not "started".
    if (status.state?.terminated?.exitCode !== 0 && status.ready) ready++;
  }
  return { ready, reason, isInitializing: false, ...restartsOf(sidecars) };
}

function summarizeMain(pod: Pod, init: InitSummary): Summary {
  const containers = pod.spec?.initContainers ?? [];
  const sidecars = (pod.status?.initContainerStatuses ?? []).filter((status) =>
    isSidecar(containers.find(({ name }) => name === status.name)),
  );
  const statuses = pod.status?.containerStatuses ?? [];
  let { reason, ready } = init;
  let hasRunning = false;
  let failure = "";
  for (const { state, ready: isReady } of statuses.toReversed()) {
    const { waiting, terminated, running } = state ?? {};
    if ((waiting?.reason ?? "") !== "") reason = waiting?.reason ?? "";
    else if (terminated !== undefined) {
      reason = endText(terminated);
      if (terminated.exitCode !== 0) failure = reason;
    } else if (isReady && running !== undefined) {
      hasRunning = true;
      ready++;
    }
  }
  if (reason === "Completed") {
    if (hasRunning && isTrue(pod, "Ready")) reason = "Running";
    else if (failure !== "") reason = failure;
    else if (hasRunning) reason = "NotReady";
  }
  return { ready, reason, ...restartsOf([...sidecars, ...statuses]) };
}

function phaseText({ status }: Pod): string {
  const gated = status?.conditions?.some(
    ({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated",
  );
  if (gated === true) return "SchedulingGated";
  return status?.reason || status?.phase || "";
}

function summarize(pod: Pod): Summary {
  const init = summarizeInit(pod, phaseText(pod));
  if (init.isInitializing && !isTrue(pod, "Initialized")) return init;
  return summarizeMain(pod, init);
}

/** "1/2" */
export function readyText(pod: Pod): string {
  const { containers, initContainers = [] } = pod.spec ?? {};
  const total = containers.length + initContainers.filter(isSidecar).length;
  return `${summarize(pod).ready}/${total}`;
}

/** "Running", "CrashLoopBackOff", "Init:0/1", "Terminating", "Completed", "Evicted", … */
export function statusText(pod: Pod): string {
  const { reason } = summarize(pod);
  const { phase, reason: why } = pod.status ?? {};
  if (pod.metadata?.deletionTimestamp === undefined) return reason;
  if (why === "NodeLost") return "Unknown";
  return phase === "Succeeded" || phase === "Failed" ? reason : "Terminating";
}

/** "3 (5m ago)" */
export function restartsText(pod: Pod, now: number): string {
  const { restarts, lastRestart } = summarize(pod);
  return restarts === 0 || lastRestart === ""
    ? String(restarts)
    : `${restarts} (${since(lastRestart, now)} ago)`;
}

/** "1/2" of the conditions that the pod's readiness waits for; "<none>" without any. */
export function readinessGatesText({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const met = gates.filter(({ conditionType }) => {
    const condition = status?.conditions?.find(({ type }) => type === conditionType);
    return condition?.status === "True";
  });
  return `${met.length}/${gates.length}`;
}
