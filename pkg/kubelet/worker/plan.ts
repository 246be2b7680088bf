/**
 * What to do next for one pod: a pure function of what is wanted (the pod), what is (the runtime's
 * report), probe results, back-offs and the time. It never acts and keeps nothing: `pod-worker.ts`
 * performs the actions, and asks again when anything has changed.
 */
import type { Container, Pod } from "../../../api/core/v1.ts";
import { isSidecar } from "../../machinery/pod-requests.ts";
import { containersOf, type SpecContainer } from "../pods/pod-spec.ts";
import {
  aliveContainers,
  latestContainer,
  type RuntimeContainer,
  type RuntimePod,
  type RuntimeSandbox,
} from "../runtime/runtime-pod.ts";
import { backOffUntilMs, restartBackOff } from "./back-off.ts";
import { containerHash } from "./container-hash.ts";
import type { HeldBack, PlanInput, PodAction, PodPlan, Stopping } from "./plan-contract.ts";
import { planStop } from "./stop-plan.ts";

const nothing: PodPlan = { actions: [], heldBack: [], isOver: false };

export function planPod(input: PlanInput): PodPlan {
  if (input.stopping !== undefined) return planStop(input, input.stopping);
  const [sandbox] = input.runtime.sandboxes;
  if (sandbox === undefined || mustReplace(sandbox, input)) return planSandbox(input, sandbox);
  const init = planInit(input, sandbox);
  if (init.failed) return { ...planStop(input, unhurried(input)), heldBack: init.heldBack };
  if (!init.done) return { actions: init.actions, heldBack: init.heldBack, isOver: false };
  const regular = planRegular(input, sandbox);
  if (regular.finished) return planStop(input, unhurried(input));
  return {
    actions: [...init.actions, ...regular.actions],
    heldBack: [...init.heldBack, ...regular.heldBack],
    isOver: false,
  };
}

/** A pod that has come to its own end: what is left of it gets its usual grace from now on. */
const unhurried = ({ pod, nowMs }: PlanInput): Stopping => ({
  sinceMs: nowMs,
  graceSeconds: pod.spec.terminationGracePeriodSeconds ?? 30,
});

/** A sandbox that died, lost its network, or is one of two cannot be used. */
const mustReplace = (sandbox: RuntimeSandbox, { pod, runtime }: PlanInput): boolean =>
  !sandbox.isReady ||
  runtime.sandboxes.filter((one) => one.isReady).length > 1 ||
  (pod.spec.hostNetwork !== true && sandbox.ips.length === 0);

/** Clears what is left of the last sandbox, then makes the next, if anything is to run in it. */
function planSandbox(input: PlanInput, last: RuntimeSandbox | undefined): PodPlan {
  const { pod, runtime } = input;
  if (!wantsToRun(input)) return planStop(input, unhurried(input));
  const kills = aliveContainers(runtime).map((container) =>
    kill(container, graceOf(pod), "Stopping container " + container.name, true),
  );
  if (kills.length > 0) return { ...nothing, actions: kills };
  const stops = runtime.sandboxes
    .filter((sandbox) => sandbox.isReady)
    .map(({ id }): PodAction => ({ do: "stop-sandbox", sandboxId: id }));
  if (stops.length > 0) return { ...nothing, actions: stops };
  return { ...nothing, actions: [{ do: "create-sandbox", attempt: (last?.attempt ?? -1) + 1 }] };
}

/** Whether a new sandbox would have anything to run: a finished Job's pod must not wake again. */
function wantsToRun(input: PlanInput): boolean {
  const { pod, runtime } = input;
  if (runtime.containers.length === 0) return true;
  const initFailed = (pod.spec.initContainers ?? []).some((container) => {
    const latest = latestContainer(runtime, container.name);
    return latest !== undefined && !isSidecar(container) && hasFailedForGood(latest, input);
  });
  return (
    !initFailed &&
    pod.spec.containers.some(({ name }) => mayStart(latestContainer(runtime, name), input))
  );
}

const hasFailedForGood = (container: RuntimeContainer, { pod }: PlanInput): boolean =>
  container.phase === "exited" && container.exitCode !== 0 && pod.spec.restartPolicy === "Never";

/** Whether the restart policy lets a container start that is not running. */
function mayStart(latest: RuntimeContainer | undefined, input: PlanInput): boolean {
  if (latest === undefined || latest.phase === "created") return true;
  if (latest.phase === "running") return true;
  if (input.restarting.has(latest.id)) return true;
  const policy = input.pod.spec.restartPolicy ?? "Always";
  if (policy === "OnFailure") return latest.phase === "unknown" || latest.exitCode !== 0;
  return policy === "Always";
}

interface Part {
  readonly actions: readonly PodAction[];
  readonly heldBack: readonly HeldBack[];
}

/** A container that was created and never ran is made again under the same number. */
const nextRestartCount = (latest: RuntimeContainer | undefined): number =>
  latest === undefined ? 0 : latest.restartCount + (latest.phase === "created" ? 0 : 1);

/** A start, now or when the back-off has run out. */
function start(
  container: SpecContainer,
  latest: RuntimeContainer | undefined,
  input: PlanInput,
): Part {
  const { name } = container.container;
  const action: PodAction = {
    do: "start",
    container,
    restartCount: nextRestartCount(latest),
    ...(latest === undefined ? {} : { replaces: latest }),
  };
  if (latest?.phase !== "exited") return { actions: [action], heldBack: [] };
  const backOff = input.backOffs.get(name);
  const untilMs = backOffUntilMs(backOff, latest.finishedAtMs, restartBackOff);
  if (untilMs <= input.nowMs) return { actions: [action], heldBack: [] };
  return { actions: [], heldBack: [{ name, untilMs, delayMs: backOff?.delayMs ?? 0 }] };
}

/** Why a running container must be killed and started again, in the words of its event. */
function reasonToRestart(
  container: Container,
  running: RuntimeContainer,
  input: PlanInput,
): string | undefined {
  if (running.hash !== containerHash(container))
    return `Container ${container.name} definition changed`;
  for (const kind of ["liveness", "startup"] as const) {
    if (input.probe(running, kind) === "failure")
      return `Container ${container.name} failed ${kind} probe`;
  }
  return undefined;
}

/** What a container that has been started once needs: nothing, a kill, or another start. */
function keep(spec: SpecContainer, latest: RuntimeContainer, input: PlanInput): Part {
  const { container } = spec;
  if (latest.phase === "unknown")
    return one(
      kill(
        latest,
        graceOf(input.pod),
        `Container ${container.name} is in unknown state, try killing it before restart`,
        true,
      ),
    );
  if (latest.phase !== "running") return start(spec, latest, input);
  const reason = reasonToRestart(container, latest, input);
  if (reason === undefined) return { actions: [], heldBack: [] };
  const again = spec.kind === "sidecar" || input.pod.spec.restartPolicy !== "Never";
  const restart = again || reason.endsWith("changed");
  return one(
    kill(
      latest,
      probeGraceOf(container, reason) ?? graceOf(input.pod),
      restart ? `${reason}, will be restarted` : reason,
      restart,
    ),
  );
}

const one = (action: PodAction): Part => ({ actions: [action], heldBack: [] });

/** A probe may grant less time than the pod does. */
const probeGraceOf = (container: Container, reason: string): number | undefined =>
  reason.endsWith("liveness probe")
    ? container.livenessProbe?.terminationGracePeriodSeconds
    : reason.endsWith("startup probe")
      ? container.startupProbe?.terminationGracePeriodSeconds
      : undefined;

const graceOf = (pod: Pod): number => pod.spec.terminationGracePeriodSeconds ?? 30;

const kill = (
  container: RuntimeContainer,
  graceSeconds: number,
  message: string,
  restart: boolean,
): PodAction => ({ do: "kill", container, graceSeconds, message, restart });

interface InitPart extends Part {
  readonly done: boolean;
  readonly failed: boolean;
}

/** Init containers one after the other; sidecars are kept running from their turn on. */
function planInit(input: PlanInput, sandbox: RuntimeSandbox): InitPart {
  const here = inSandbox(input.runtime, sandbox);
  const specs = containersOf(input.pod);
  const initialized = specs.some(
    ({ kind, container }) =>
      kind === "regular" && latestContainer(here, container.name) !== undefined,
  );
  const inits = specs.filter(({ kind }) => kind === "init" || kind === "sidecar");
  const actions: PodAction[] = [];
  const heldBack: HeldBack[] = [];
  const collect = (part: Part): void => {
    actions.push(...part.actions);
    heldBack.push(...part.heldBack);
  };
  const end = (done: boolean, failed = false): InitPart => ({ actions, heldBack, done, failed });
  for (const [index, spec] of inits.entries()) {
    if (initialized && spec.kind === "init") continue;
    const latest = latestContainer(here, spec.container.name);
    // Its dead containers may have been removed since; one of another sandbox only counts for them.
    const before = latest ?? latestContainer(input.runtime, spec.container.name);
    const wasPassed =
      initialized ||
      inits.slice(index + 1).some(({ container }) => latestContainer(here, container.name));
    if (spec.kind === "sidecar") {
      collect(latest === undefined ? start(spec, before, input) : keep(spec, latest, input));
      if (!wasPassed && !hasStarted(latest, input)) return end(false);
      continue;
    }
    if (latest === undefined) {
      collect(startFresh(spec, before, input));
      return end(false);
    }
    if (latest.phase === "exited" && latest.exitCode === 0) continue;
    if (hasFailedForGood(latest, input)) return end(false, true);
    collect(latest.phase === "running" ? { actions: [], heldBack: [] } : keep(spec, latest, input));
    return end(false);
  }
  return end(true);
}

/** In a new sandbox everything runs again, without waiting for what failed in the last one. */
const startFresh = (
  container: SpecContainer,
  before: RuntimeContainer | undefined,
  input: PlanInput,
): Part =>
  before === undefined || before.exitCode !== 0
    ? start(container, before, input)
    : one({ do: "start", container, restartCount: before.restartCount + 1, replaces: before });

/** Started in the probes' sense: what comes next may rely on it. */
const hasStarted = (latest: RuntimeContainer | undefined, input: PlanInput): boolean =>
  latest?.phase === "running" && (input.probe(latest, "startup") ?? "success") === "success";

const inSandbox = (runtime: RuntimePod, sandbox: RuntimeSandbox): RuntimePod => ({
  ...runtime,
  containers: runtime.containers.filter(({ sandboxId }) => sandboxId === sandbox.id),
});

interface RegularPart extends Part {
  /** No container runs, and none will. */
  readonly finished: boolean;
}

function planRegular(input: PlanInput, sandbox: RuntimeSandbox): RegularPart {
  const actions: PodAction[] = [];
  const heldBack: HeldBack[] = [];
  let finished = true;
  for (const spec of containersOf(input.pod)) {
    if (spec.kind === "init" || spec.kind === "sidecar") continue;
    const latest = latestContainer(input.runtime, spec.container.name);
    const part = planOne(spec, latest, sandbox, input);
    if (part === undefined) continue;
    actions.push(...part.actions);
    heldBack.push(...part.heldBack);
    if (spec.kind === "regular") finished = false;
  }
  return { actions, heldBack, finished };
}

/** Undefined: this container has come to its end. */
function planOne(
  spec: SpecContainer,
  latest: RuntimeContainer | undefined,
  sandbox: RuntimeSandbox,
  input: PlanInput,
): Part | undefined {
  if (latest === undefined) return start(spec, undefined, input);
  // Debuggers are started once, and never again.
  if (spec.kind === "ephemeral") return undefined;
  if (!mayStart(latest, input)) return undefined;
  if (latest.sandboxId !== sandbox.id && latest.phase !== "running")
    return start(spec, latest, input);
  return keep(spec, latest, input);
}
