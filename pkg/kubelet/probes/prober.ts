/**
 * Keeps every probe of every running container going, and remembers what came of it. It decides
 * nothing beyond that: what a failed probe means is the plan's business.
 */
import type { Container, Pod, Probe } from "../../../api/core/v1.ts";
import type { Clock } from "../../base/clock.ts";
import { containersOf, uidOf } from "../pods/pod-spec.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import { runProbe, type ProbeDoors, type ProbeOutcome } from "./run-probe.ts";
import {
  eagerRetryMs,
  initialProbeState,
  isFinished,
  stepProbe,
  timingOf,
  type ProbeKind,
  type ProbeResult,
  type ProbeState,
} from "./probe-state.ts";

export interface ProberOptions extends ProbeDoors {
  readonly clock: Clock;
  /** A result changed that the pod's worker must know of. */
  readonly onResult: (uid: string) => void;
  readonly onUnhealthy: (pod: Pod, container: Container, kind: ProbeKind, message: string) => void;
}

interface Running {
  readonly uid: string;
  readonly kind: ProbeKind;
  state: ProbeState;
  timer: Disposable | undefined;
  /** Early attempts that were refused. */
  eager: number;
  stopped: boolean;
}

/** What one probe needs to know of its pod, as of the last update. */
interface Target {
  readonly pod: Pod;
  readonly container: Container;
  readonly runtime: RuntimeContainer;
  readonly podIP: string;
}

const kinds = ["startup", "liveness", "readiness"] as const;

const probeOf = (container: Container, kind: ProbeKind): Probe | undefined =>
  ({
    startup: container.startupProbe,
    liveness: container.livenessProbe,
    readiness: container.readinessProbe,
  })[kind];

const keyOf = (containerId: string, kind: ProbeKind): string => `${containerId} ${kind}`;

export class Prober {
  readonly #options: ProberOptions;
  readonly #running = new Map<string, Running>();
  readonly #targets = new Map<string, Target>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Undefined: the container has no such probe. */
  result(pod: Pod, container: RuntimeContainer, kind: ProbeKind): ProbeResult | undefined {
    const spec = containersOf(pod).find((one) => one.container.name === container.name);
    if (spec === undefined || probeOf(spec.container, kind) === undefined) return undefined;
    const known = this.#running.get(keyOf(container.id, kind));
    return (known?.state ?? initialProbeState(kind)).result;
  }

  /** Starts the probes of containers that run now, and ends those of containers that do not. */
  update(pod: Pod, runtime: RuntimePod, podIP: string, isStopping: boolean): void {
    const uid = uidOf(pod);
    const wanted = new Set<string>();
    for (const { container } of containersOf(pod)) {
      const latest = runtime.containers.find(({ name }) => name === container.name);
      if (latest?.phase !== "running") continue;
      for (const kind of kinds) {
        // A pod that ends is no longer traffic's goal when it says so, but nobody restarts it.
        if (probeOf(container, kind) === undefined || (isStopping && kind !== "readiness"))
          continue;
        const key = keyOf(latest.id, kind);
        wanted.add(key);
        this.#targets.set(key, { pod, container, runtime: latest, podIP });
        if (!this.#running.has(key)) this.#start(key, uid, kind);
      }
    }
    for (const [key, running] of this.#running)
      if (running.uid === uid && !wanted.has(key)) this.#stop(key, running);
  }

  /** A pod has gone. */
  forget(uid: string): void {
    for (const [key, running] of this.#running) if (running.uid === uid) this.#stop(key, running);
  }

  stopAll(): void {
    for (const [key, running] of this.#running) this.#stop(key, running);
  }

  #stop(key: string, running: Running): void {
    running.stopped = true;
    running.timer?.[Symbol.dispose]();
    this.#running.delete(key);
    this.#targets.delete(key);
  }

  #start(key: string, uid: string, kind: ProbeKind): void {
    const target = this.#targets.get(key);
    const probe = target === undefined ? undefined : probeOf(target.container, kind);
    if (target === undefined || probe === undefined) return;
    const state = initialState(kind, target);
    const running: Running = { uid, kind, state, timer: undefined, eager: 0, stopped: false };
    this.#running.set(key, running);
    if (isFinished(kind, state)) return;
    const { initialDelayMs } = timingOf(probe);
    const age = this.#options.clock.now() - target.runtime.startedAtMs;
    this.#schedule(key, running, Math.max(0, initialDelayMs - age));
  }

  #schedule(key: string, running: Running, ms: number): void {
    if (running.stopped) return;
    running.timer = this.#options.clock.after(ms, () => void this.#round(key, running));
  }

  async #round(key: string, running: Running): Promise<void> {
    const target = this.#targets.get(key);
    const probe = target === undefined ? undefined : probeOf(target.container, running.kind);
    if (running.stopped || target === undefined || probe === undefined) return;
    const timing = timingOf(probe);
    // Liveness and readiness wait for startup; its success ends the wait at once.
    if (!this.#mayProbe(target, running)) return this.#schedule(key, running, timing.periodMs);
    const asked = this.#options.clock.monotonic();
    const { container, podIP, runtime } = target;
    const outcome = await runProbe(
      probe,
      { container, containerId: runtime.id, podIP },
      this.#options,
    );
    if (running.stopped) return;
    const eagerMs = this.#eagerMs(outcome, running, timing);
    if (eagerMs !== undefined) {
      running.eager += 1;
      return this.#schedule(key, running, eagerMs);
    }
    this.#take(target, running, outcome, timing);
    if (isFinished(running.kind, running.state)) return;
    const spent = this.#options.clock.monotonic() - asked;
    this.#schedule(key, running, Math.max(0, timing.periodMs - spent));
  }

  #mayProbe({ pod, runtime }: Target, { kind }: Running): boolean {
    return kind === "startup" || (this.result(pod, runtime, "startup") ?? "success") === "success";
  }

  /** A server that does not listen yet is asked again soon, as long as it never has listened. */
  #eagerMs(
    outcome: ProbeOutcome,
    running: Running,
    timing: ReturnType<typeof timingOf>,
  ): number | undefined {
    const isRefused = outcome.result === "failure" && outcome.refused;
    if (!isRefused || running.state.run > 0) return undefined;
    return eagerRetryMs(running.eager, timing);
  }

  #take(
    { pod, container, runtime }: Target,
    running: Running,
    outcome: ProbeOutcome,
    timing: ReturnType<typeof timingOf>,
  ): void {
    const before = running.state.result;
    running.state = stepProbe(running.state, outcome.result, timing);
    if (outcome.result === "failure")
      this.#options.onUnhealthy(pod, container, running.kind, outcome.message);
    if (before === running.state.result) return;
    if (running.kind === "startup") this.#wakeOthers(runtime.id);
    this.#options.onResult(running.uid);
  }

  /** The container has started: the other probes need not wait for their next turn. */
  #wakeOthers(containerId: string): void {
    for (const kind of ["liveness", "readiness"] as const) {
      const key = keyOf(containerId, kind);
      const other = this.#running.get(key);
      if (other === undefined) continue;
      other.timer?.[Symbol.dispose]();
      this.#schedule(key, other, 0);
    }
  }
}

/** A container that was ready when the kubelet stopped is ready until a probe says otherwise. */
function initialState(kind: ProbeKind, { pod, runtime }: Target): ProbeState {
  const said = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []),
  ].find(({ containerID }) => containerID?.endsWith(`//${runtime.id}`) === true);
  const wasGood =
    (kind === "readiness" && said?.ready === true) ||
    (kind === "startup" && said?.started === true);
  return wasGood ? { result: "success", last: "success", run: 1 } : initialProbeState(kind);
}
