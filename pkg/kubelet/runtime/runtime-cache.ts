/**
 * What the runtime reports, kept current by its events; a slow full listing catches what events
 * missed. It never decides anything and never changes a container.
 */
import {
  PodSandboxState,
  type Container,
  type ContainerStatus,
  type CriService,
  type PodSandbox,
  type PodSandboxStatus,
} from "../../../api/cri/v1.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { labels } from "./labels.ts";
import { phaseOf, readContainer, readSandbox } from "./read-runtime.ts";
import type { RuntimePod } from "./runtime-pod.ts";

/** How often everything is listed, in case an event was lost. */
const relistMs = 60_000;
/** Between attempts at a stream of events that ended. */
const reconnectMs = 1_000;

export interface RuntimeCacheDoors {
  readonly cri: CriService;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Known {
  readonly pod: RuntimePod;
  /** By id: what a listing does not say. Exits never change, nor do a sandbox's addresses. */
  readonly containers: ReadonlyMap<string, ContainerStatus>;
  readonly sandboxes: ReadonlyMap<string, PodSandboxStatus>;
}

export class RuntimeCache {
  readonly #doors: RuntimeCacheDoors;
  readonly #pods = new Map<string, Known>();
  readonly #listeners = new Set<(uid: string) => void>();
  /** Refreshes of one pod come one after the other; one that waits serves all that ask. */
  readonly #refreshing = new Map<string, Promise<RuntimePod>>();
  readonly #waiting = new Map<string, Promise<RuntimePod>>();

  constructor(doors: RuntimeCacheDoors) {
    this.#doors = doors;
  }

  get(uid: string): RuntimePod | undefined {
    return this.#pods.get(uid)?.pod;
  }

  pods(): readonly RuntimePod[] {
    return [...this.#pods.values()].map(({ pod }) => pod);
  }

  /** Called with a pod's uid after its containers or sandboxes changed. */
  onChange(listener: (uid: string) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Follows the runtime until the signal aborts. Resolves when it does. */
  async follow(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#followEvents(signal), this.#relistForever(signal)]);
  }

  /** Reads everything. Rejects when the runtime does not answer. */
  async relist(signal?: AbortSignal): Promise<void> {
    const { cri } = this.#doors;
    const [{ items = [] }, { containers = [] }] = await Promise.all([
      cri.listPodSandbox({}, signal),
      cri.listContainers({}, signal),
    ]);
    const uids = new Set([...items, ...containers].map((one) => one.labels?.[labels.podUid] ?? ""));
    for (const uid of this.#pods.keys()) uids.add(uid);
    uids.delete("");
    await Promise.all([...uids].map((uid) => this.refresh(uid, signal)));
  }

  /** Reads one pod anew. What is returned was read after this call. */
  refresh(uid: string, signal?: AbortSignal): Promise<RuntimePod> {
    // One that waits has not begun to read: not even in the step after the one before has ended.
    const waiting = this.#waiting.get(uid);
    if (waiting !== undefined) return waiting;
    const running = this.#refreshing.get(uid);
    if (running === undefined) return this.#startRefresh(uid, signal);
    const next = running
      .catch(() => undefined)
      .then(() => {
        this.#waiting.delete(uid);
        return this.#startRefresh(uid, signal);
      });
    this.#waiting.set(uid, next);
    return next;
  }

  #startRefresh(uid: string, signal: AbortSignal | undefined): Promise<RuntimePod> {
    const reading = this.#read(uid, signal).finally(() => this.#refreshing.delete(uid));
    this.#refreshing.set(uid, reading);
    return reading;
  }

  async #read(uid: string, signal: AbortSignal | undefined): Promise<RuntimePod> {
    const { cri } = this.#doors;
    const labelSelector = { [labels.podUid]: uid };
    const [sandboxes, containers] = await Promise.all([
      cri.listPodSandbox({ filter: { labelSelector } }, signal),
      cri.listContainers({ filter: { labelSelector } }, signal),
    ]);
    const before = this.#pods.get(uid);
    const known = await this.#details(
      uid,
      sandboxes.items ?? [],
      containers.containers ?? [],
      before,
    );
    if (known.pod.sandboxes.length === 0 && known.pod.containers.length === 0) {
      this.#pods.delete(uid);
    } else this.#pods.set(uid, known);
    if (JSON.stringify(before?.pod) !== JSON.stringify(known.pod))
      for (const listener of this.#listeners) listener(uid);
    return known.pod;
  }

  async #details(
    uid: string,
    sandboxes: readonly PodSandbox[],
    containers: readonly Container[],
    before: Known | undefined,
  ): Promise<Known> {
    const sandboxStatuses = new Map<string, PodSandboxStatus>();
    const containerStatuses = new Map<string, ContainerStatus>();
    await Promise.all([
      ...sandboxes.map(async (sandbox) => {
        const status = await this.#sandboxStatus(sandbox, before);
        if (status !== undefined) sandboxStatuses.set(sandbox.id ?? "", status);
      }),
      ...containers.map(async (container) => {
        const status = await this.#containerStatus(container, before);
        if (status !== undefined) containerStatuses.set(container.id ?? "", status);
      }),
    ]);
    const owner = sandboxes[0]?.labels ?? containers[0]?.labels;
    return {
      containers: containerStatuses,
      sandboxes: sandboxStatuses,
      pod: {
        uid,
        namespace: owner?.[labels.podNamespace] ?? before?.pod.namespace ?? "",
        name: owner?.[labels.podName] ?? before?.pod.name ?? "",
        sandboxes: sandboxes
          .map((sandbox) => readSandbox(sandbox, sandboxStatuses.get(sandbox.id ?? "")))
          .toSorted((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt),
        containers: containers
          .flatMap((container) => {
            const status = containerStatuses.get(container.id ?? "");
            return status === undefined ? [] : [readContainer(container, status)];
          })
          .toSorted((a, b) => b.createdAtMs - a.createdAtMs || b.restartCount - a.restartCount),
      },
    };
  }

  /** A thing that went between the listing and this question is simply not there. */
  async #sandboxStatus(
    { id = "", state }: PodSandbox,
    before: Known | undefined,
  ): Promise<PodSandboxStatus | undefined> {
    const known = before?.sandboxes.get(id);
    const isSettled = known?.state === state && (known?.network?.ip ?? "") !== "";
    const isGone = state === PodSandboxState.SANDBOX_NOTREADY;
    if (known !== undefined && (isSettled || isGone)) return known;
    const answer = await this.#doors.cri
      .podSandboxStatus({ podSandboxId: id })
      .catch(() => undefined);
    return answer?.status;
  }

  async #containerStatus(
    { id = "", state }: Container,
    before: Known | undefined,
  ): Promise<ContainerStatus | undefined> {
    const known = before?.containers.get(id);
    if (known !== undefined && phaseOf(known.state) === phaseOf(state)) return known;
    const answer = await this.#doors.cri
      .containerStatus({ containerId: id })
      .catch(() => undefined);
    return answer?.status;
  }

  async #followEvents(signal: AbortSignal): Promise<void> {
    const { cri, clock, logger } = this.#doors;
    while (!signal.aborted) {
      try {
        for await (const event of cri.getContainerEvents({}, signal)) {
          const uid = event.podSandboxStatus?.metadata?.uid ?? this.#ownerOf(event.containerId);
          const reading = uid === undefined ? this.relist(signal) : this.refresh(uid, signal);
          // Not awaited: one slow answer must not hold up the news of other pods.
          reading.catch((error: unknown) =>
            logger.warn({ error: chainOf(error), uid }, "a pod cannot be read from the runtime"),
          );
        }
      } catch (error) {
        if (!signal.aborted) logger.warn({ error: chainOf(error) }, "container events ended");
      }
      await clock.sleep(reconnectMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.relist(signal).catch(() => undefined);
    }
  }

  #ownerOf(containerId: string | undefined): string | undefined {
    for (const { pod } of this.#pods.values()) {
      const owns =
        pod.containers.some(({ id }) => id === containerId) ||
        pod.sandboxes.some(({ id }) => id === containerId);
      if (owns) return pod.uid;
    }
    return undefined;
  }

  async #relistForever(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#doors;
    while (!signal.aborted) {
      await clock.sleep(relistMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.relist(signal).catch((error: unknown) =>
        logger.warn({ error: chainOf(error) }, "the runtime cannot be listed"),
      );
    }
  }
}
