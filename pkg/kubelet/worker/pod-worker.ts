/**
 * Brings one pod to what it should be: reads what is, asks the plan, performs its actions, tells
 * the status, and begins again whenever anything changed. It decides nothing itself.
 */
import type { Pod, PodStatus } from "../../../api/core/v1.ts";
import { chainOf } from "../../base/errors.ts";
import {
  describePod,
  findContainer,
  graceSecondsOf,
  isDeleted,
  isStatic,
  isTerminalPhase,
  nameOf,
  namespaceOf,
  uidOf,
} from "../pods/pod-spec.ts";
import {
  aliveContainers,
  emptyRuntimePod,
  type RuntimeContainer,
  type RuntimePod,
} from "../runtime/runtime-pod.ts";
import type { Waiting } from "../status/container-status.ts";
import { podIPsOf, podStatus } from "../status/pod-status.ts";
import { describeDelay, nextBackOff, restartBackOff, type BackOff } from "./back-off.ts";
import { killContainer } from "./kill-container.ts";
import { LastWords } from "./last-words.ts";
import { runHook } from "./lifecycle-hooks.ts";
import { planPod } from "./plan.ts";
import type { HeldBack, PodAction, PodPlan, Stopping } from "./plan-contract.ts";
import type { PodContext } from "./pod-context.ts";
import { PodVolumes } from "./pod-volumes.ts";
import { PodWorks } from "./pod-works.ts";
import { createSandbox } from "./create-sandbox.ts";
import { startContainer, StartError } from "./start-container.ts";

/** Why the node ends a pod: Evicted, DeadlineExceeded, OutOfcpu … */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
}

type Start = Extract<PodAction, { do: "start" }>;
type Kill = Extract<PodAction, { do: "kill" }>;

/** A kill under way, and when its container will be dead. */
interface Killing {
  deadlineMs: number;
  readonly hurry: AbortController;
}

export class PodWorker {
  readonly uid: string;
  #pod: Pod;
  readonly #context: PodContext;
  /** Called once when nothing of a pod that is to go runs any more. */
  readonly #onGone: (pod: Pod) => void;
  readonly #works: PodWorks;
  readonly #volumes: PodVolumes;
  readonly #lastWords: LastWords;
  readonly #startedAtMs: number;
  readonly #backOffs = new Map<string, BackOff>();
  readonly #restarting = new Set<string>();
  readonly #postStarting = new Set<string>();
  readonly #startFailures = new Map<string, Waiting & { readonly untilMs: number }>();
  readonly #kills = new Map<string, Killing>();
  /** By container name: the id of the one whose back-off people were told of. */
  readonly #toldBackOffs = new Map<string, string>();
  readonly #starts = new AbortController();
  #stopping: Stopping | undefined;
  #failure: PodFailure | undefined;
  /** Its source no longer has it, or it is being deleted: nothing of it may stay. */
  #isGoing = false;
  #toldGone = false;
  /** Containers that were ended to be replaced, by name; how long it is that nobody hears of it. */
  readonly #changeovers = new Map<
    string,
    { readonly id: string; readonly untilMs?: number | undefined }
  >();
  /** Until then the status waits for a container that is being replaced. */
  #changeoverMs: number | undefined;
  #status: PodStatus | undefined;
  #timer: Disposable | undefined;
  #syncing = false;
  #again = false;

  constructor(pod: Pod, context: PodContext, onGone: (pod: Pod) => void) {
    this.uid = uidOf(pod);
    this.#pod = pod;
    this.#context = context;
    this.#onGone = onGone;
    this.#startedAtMs = context.clock.now();
    this.#works = new PodWorks(context.clock, () => this.wake());
    this.#volumes = new PodVolumes(context);
    this.#lastWords = new LastWords(context);
    this.update(pod);
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The status as last told; undefined before the first. */
  get status(): PodStatus | undefined {
    return this.#status;
  }

  get isGoing(): boolean {
    return this.#isGoing;
  }

  /** The pod changed in its source. */
  update(pod: Pod): void {
    if (downwardOf(pod) !== downwardOf(this.#pod)) this.#volumes.expire();
    this.#pod = pod;
    if (isDeleted(pod)) this.#isGoing = true;
    if (isDeleted(pod) || isTerminalPhase(pod.status?.phase)) this.#stop();
    this.wake();
  }

  /** The pod has gone from its source. */
  remove(): void {
    this.#isGoing = true;
    this.#stop();
    this.wake();
  }

  /** The node ends the pod; its object stays, as Failed. */
  fail(failure: PodFailure): void {
    this.#failure ??= failure;
    this.#stop();
    this.wake();
  }

  /** Something that the pod refers to changed. */
  expireVolumes(): void {
    this.#volumes.expire();
    this.#works.forgive();
    for (const [name, { reason }] of this.#startFailures)
      if (["CreateContainerConfigError", creating.reason].includes(reason))
        this.#startFailures.delete(name);
    this.wake();
  }

  wake(): void {
    // What is cleared away behind it is no news of the pod.
    if (this.#toldGone) return;
    this.#again = true;
    if (!this.#syncing) void this.#syncAll();
  }

  #stop(): void {
    const graceSeconds = graceSecondsOf(this.#pod);
    if (this.#stopping === undefined) this.#starts.abort(new Error("the pod is stopping"));
    const sinceMs = this.#stopping?.sinceMs ?? this.#context.clock.now();
    this.#stopping = { sinceMs, graceSeconds };
  }

  async #syncAll(): Promise<void> {
    this.#syncing = true;
    while (this.#again) {
      this.#again = false;
      await this.#sync().catch((error: unknown) =>
        this.#context.logger.error(
          { pod: describePod(this.#pod), error: chainOf(error) },
          "a pod could not be synchronised",
        ),
      );
    }
    this.#syncing = false;
  }

  async #sync(): Promise<void> {
    const runtime = this.#runtime();
    await this.#lastWords.read(runtime);
    this.#checkDeadline();
    const plan = this.#plan(runtime);
    const [podIP = ""] = podIPsOf(this.#pod, { runtime, nodeIPs: this.#context.settings.nodeIPs });
    this.#context.prober.update(this.#pod, runtime, podIP, this.#stopping !== undefined);
    const isOver = plan.isOver && this.#works.isIdle;
    const published = this.#publish(runtime, plan, isOver);
    this.#perform(plan, runtime, podIP);
    this.#keepVolumes(runtime);
    this.#setTimer(plan);
    if (isOver && this.#isGoing && !this.#toldGone) {
      this.#toldGone = true;
      // Nobody waits for the last status of a static pod; and it may be the API server's own.
      const told = isStatic(this.#pod) ? Promise.resolve() : published;
      void told.finally(() => this.#onGone(this.#pod));
    }
  }

  /** A running pod's files follow what they are made of; before that its start makes them. */
  #keepVolumes(runtime: RuntimePod): void {
    const isRunning = aliveContainers(runtime).length > 0 && this.#stopping === undefined;
    if (isRunning && this.#volumes.isDue(this.#context.clock.now()))
      this.#works.start("volumes", () => this.#volumes.prepare(this.#pod, this.#starts.signal));
  }

  #runtime(): RuntimePod {
    const pod = this.#pod;
    return (
      this.#context.runtime.get(this.uid) ??
      emptyRuntimePod({ uid: this.uid, namespace: namespaceOf(pod), name: nameOf(pod) })
    );
  }

  #plan(runtime: RuntimePod): PodPlan {
    return planPod({
      pod: this.#pod,
      runtime,
      nowMs: this.#context.clock.now(),
      backOffs: this.#backOffs,
      // A hook still runs: what comes next must not rely on the container yet.
      probe: (container, kind) =>
        kind === "startup" && this.#postStarting.has(container.id)
          ? "unknown"
          : this.#context.prober.result(this.#pod, container, kind),
      restarting: this.#restarting,
      ...(this.#stopping === undefined ? {} : { stopping: this.#stopping }),
    });
  }

  /** activeDeadlineSeconds counts from the pod's start on this node. */
  #checkDeadline(): void {
    const endMs = this.#deadlineMs();
    if (endMs === undefined || endMs > this.#context.clock.now() || this.#stopping !== undefined)
      return;
    const message = "Pod was active on the node longer than the specified deadline";
    this.#context.note(this.#pod, "Normal", "DeadlineExceeded", message);
    this.#failure = { reason: "DeadlineExceeded", message };
    this.#stop();
  }

  #deadlineMs(): number | undefined {
    const seconds = this.#pod.spec.activeDeadlineSeconds;
    const startTime = this.#status?.startTime ?? this.#pod.status?.startTime;
    const startMs = startTime === undefined ? this.#startedAtMs : Date.parse(startTime);
    return seconds === undefined ? undefined : startMs + seconds * 1000;
  }

  async #publish(runtime: RuntimePod, plan: PodPlan, isOver: boolean): Promise<void> {
    this.#changeoverMs = this.#changeoverUntilMs(runtime, plan);
    if (this.#changeoverMs !== undefined) return;
    const { settings, clock, prober } = this.#context;
    const status = podStatus({
      pod: this.#pod,
      runtime,
      nowMs: clock.now(),
      waiting: this.#waiting(plan.heldBack),
      probe: (container, kind) => prober.result(this.#pod, container, kind),
      terminationMessages: this.#lastWords.messages,
      postStarting: this.#postStarting,
      isStopping: this.#stopping !== undefined,
      nodeIPs: settings.nodeIPs,
      before: this.#status ?? this.#pod.status,
      startMs: this.#startedAtMs,
      isOver,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    });
    this.#status = status;
    await this.#context.publish(this.#pod, status);
  }

  /**
   * A container that we ended in order to start it anew is told of with its successor: people and
   * Services see a restart, not a pod that was never ready in between. Undefined: nothing is held
   * back; else until when.
   */
  #changeoverUntilMs(runtime: RuntimePod, { heldBack }: PodPlan): number | undefined {
    const nowMs = this.#context.clock.now();
    for (const [name, { id, untilMs }] of this.#changeovers) {
      const newest = runtime.containers.find((container) => container.name === name);
      if (newest?.phase === "running") {
        if (newest.id !== id) this.#changeovers.delete(name);
        continue;
      }
      const isHeld = this.#startFailures.has(name) || heldBack.some((one) => one.name === name);
      const endMs = untilMs ?? nowMs + changeoverMs;
      this.#changeovers.set(name, { id, untilMs: endMs });
      if (!isHeld && this.#stopping === undefined && endMs > nowMs) return endMs;
    }
    return undefined;
  }

  #waiting(heldBack: readonly HeldBack[]): ReadonlyMap<string, Waiting> {
    const waiting = new Map<string, Waiting>();
    for (const [name, { reason, message }] of this.#startFailures)
      waiting.set(name, message === undefined ? { reason } : { reason, message });
    for (const { name, delayMs } of heldBack) {
      const where = `restarting failed container=${name} pod=${describePod(this.#pod)}`;
      const message = `back-off ${describeDelay(delayMs)} ${where}`;
      waiting.set(name, { reason: "CrashLoopBackOff", message });
    }
    return waiting;
  }

  #perform(plan: PodPlan, runtime: RuntimePod, podIP: string): void {
    const starts: Start[] = [];
    for (const action of plan.actions) {
      if (action.do === "start") starts.push(action);
      else if (action.do === "kill") this.#kill(action, podIP);
      else if (action.do === "create-sandbox")
        this.#works.start("sandbox", () => this.#createSandbox(action.attempt));
      else this.#works.start(`stop ${action.sandboxId}`, () => this.#stopSandbox(action.sandboxId));
    }
    for (const held of plan.heldBack) this.#tellBackOff(held, runtime);
    const nowMs = this.#context.clock.now();
    const due = starts.filter(
      ({ container }) => (this.#startFailures.get(container.container.name)?.untilMs ?? 0) <= nowMs,
    );
    if (due.length > 0) this.#works.start("start", () => this.#startAll(due));
  }

  #tellBackOff({ name }: HeldBack, runtime: RuntimePod): void {
    const failed = runtime.containers.find((container) => container.name === name);
    if (failed === undefined || this.#toldBackOffs.get(name) === failed.id) return;
    this.#toldBackOffs.set(name, failed.id);
    const message = `Back-off restarting failed container ${name} in pod ${describePod(this.#pod)}`;
    const spec = findContainer(this.#pod, name)?.container;
    this.#context.note(this.#pod, "Warning", "BackOff", message, spec);
  }

  /** Volumes and sandbox need nothing of each other, and both take their time. */
  async #createSandbox(attempt: number): Promise<void> {
    const [volumes, sandbox] = await Promise.allSettled([
      this.#volumes.prepare(this.#pod, this.#starts.signal),
      createSandbox(this.#pod, attempt, this.#context),
    ]);
    await this.#context.runtime.refresh(this.uid);
    if (sandbox.status === "rejected") throw sandbox.reason;
    if (volumes.status === "rejected") throw volumes.reason;
  }

  async #stopSandbox(podSandboxId: string): Promise<void> {
    await this.#context.cri.stopPodSandbox({ podSandboxId });
    await this.#context.runtime.refresh(this.uid);
  }

  /** In order: a container's postStart hook ends before the next container is begun. */
  async #startAll(starts: readonly Start[]): Promise<void> {
    for (const start of starts) {
      if (this.#starts.signal.aborted) return;
      const { name } = start.container.container;
      let isStarted = false;
      try {
        await this.#startOne(start);
        isStarted = true;
        this.#startFailures.delete(name);
        this.#works.succeed(`start ${name}`);
      } catch (error) {
        if (this.#starts.signal.aborted) return;
        this.#startFailed(name, error);
        if (start.container.kind !== "regular") return;
      } finally {
        await this.#context.runtime.refresh(this.uid);
        // Not before it is seen to run: until then it would count as held back.
        if (isStarted && start.replaces?.phase === "exited") this.#growBackOff(name);
      }
    }
  }

  #growBackOff(name: string): void {
    const nowMs = this.#context.clock.now();
    this.#backOffs.set(name, nextBackOff(this.#backOffs.get(name), nowMs, restartBackOff));
  }

  async #startOne({ container: spec, restartCount, replaces }: Start): Promise<void> {
    await this.#volumes.prepare(this.#pod, this.#starts.signal);
    const [pod, runtime, volumes] = [this.#pod, this.#runtime(), this.#volumes.paths];
    const request = { pod, spec, restartCount, replaces, runtime, volumes };
    const id = await startContainer(request, this.#context, this.#starts.signal);
    if (replaces !== undefined) this.#restarting.delete(replaces.id);
    if (spec.container.lifecycle?.postStart !== undefined)
      await this.#postStart(spec.container, id);
  }

  async #postStart(container: Start["container"]["container"], id: string): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return;
    this.#postStarting.add(id);
    const runtime = await this.#context.runtime.refresh(this.uid);
    const [podIP = ""] = podIPsOf(this.#pod, { runtime, nodeIPs: this.#context.settings.nodeIPs });
    try {
      const target = { container, containerId: id, podIP };
      await runHook(hook, target, this.#context, this.#starts.signal);
    } catch (error) {
      if (this.#starts.signal.aborted) return;
      const message = `PostStartHook failed`;
      this.#context.note(this.#pod, "Warning", "FailedPostStartHook", message, container);
      this.#context.logger.warn(
        { pod: describePod(this.#pod), error: chainOf(error) },
        "postStart failed",
      );
      const failed = runtime.containers.find((one) => one.id === id);
      if (failed !== undefined) this.#kill(killOf(failed, graceSecondsOf(this.#pod)), podIP);
    } finally {
      this.#postStarting.delete(id);
    }
  }

  #startFailed(name: string, error: unknown): void {
    const nowMs = this.#context.clock.now();
    const fields = { pod: describePod(this.#pod), container: name, error: chainOf(error) };
    this.#context.logger.warn(fields, "a container could not be started");
    this.#works.fail(`start ${name}`);
    // What a volume lacks was told as FailedMount; the container is still being made.
    const { reason, message, retryAtMs } =
      error instanceof StartError ? error : { ...creating, retryAtMs: undefined };
    const untilMs = retryAtMs ?? this.#works.retryAtMs(`start ${name}`);
    const waiting = message === undefined ? { reason } : { reason, message };
    this.#startFailures.set(name, { ...waiting, untilMs: Math.max(untilMs, nowMs) });
  }

  #kill(action: Kill, podIP: string): void {
    const { container, graceSeconds, restart } = action;
    const { clock, cri } = this.#context;
    const deadlineMs = clock.now() + graceSeconds * 1000;
    if (restart) {
      this.#restarting.add(container.id);
      this.#changeovers.set(container.name, { id: container.id, untilMs: undefined });
    } else this.#restarting.delete(container.id);
    const running = this.#kills.get(container.id);
    if (running !== undefined) {
      if (deadlineMs >= running.deadlineMs - 1000) return;
      running.deadlineMs = deadlineMs;
      running.hurry.abort();
      const request = { containerId: container.id, timeout: BigInt(graceSeconds) };
      this.#works.start(`hurry ${container.id} ${graceSeconds}`, async () => {
        await cri.stopContainer(request);
      });
      return;
    }
    const killing: Killing = { deadlineMs, hurry: new AbortController() };
    this.#works.start(`kill ${container.id}`, async () => {
      this.#kills.set(container.id, killing);
      try {
        const request = { pod: this.#pod, container, graceSeconds, message: action.message, podIP };
        await killContainer(request, this.#context, killing.hurry.signal);
      } finally {
        this.#kills.delete(container.id);
        await this.#context.runtime.refresh(this.uid);
      }
    });
  }

  /** The earliest instant at which the plan may say something else without any event. */
  #setTimer(plan: PodPlan): void {
    const nowMs = this.#context.clock.now();
    const times = [
      ...plan.heldBack.map(({ untilMs }) => untilMs),
      ...[...this.#startFailures.values()].map(({ untilMs }) => untilMs),
      this.#works.nextRetryMs(),
      this.#changeoverMs,
      this.#stopping === undefined ? this.#deadlineMs() : undefined,
      this.#stopping === undefined ? this.#volumes.dueAtMs : undefined,
    ].filter((ms) => ms !== undefined && ms > nowMs) as number[];
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (times.length === 0) return;
    this.#timer = this.#context.clock.after(Math.min(...times) - nowMs, () => this.wake());
  }

  dispose(): void {
    this.#timer?.[Symbol.dispose]();
    this.#starts.abort(new Error("the pod has gone"));
    this.#context.prober.forget(this.uid);
  }
}

/** With its image present a container is replaced in a tenth of this. */
const changeoverMs = 1_000;

/** A container that is on its way, as its status shows it. */
const creating = { reason: "ContainerCreating", message: undefined } as const;

/** What of a running pod its own files may show. */
const downwardOf = ({ metadata }: Pod): string =>
  JSON.stringify([metadata?.labels, metadata?.annotations]);

const killOf = (container: RuntimeContainer, graceSeconds: number): Kill => ({
  do: "kill",
  container,
  graceSeconds,
  message: "FailedPostStartHook",
  restart: true,
});
