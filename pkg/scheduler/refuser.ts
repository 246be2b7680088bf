import type { Pod, PodCondition } from "../../api/core/v1.ts";
import { pods as podsRef } from "../../api/resources.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Client, ResourceClient } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Memory } from "./feed.ts";
import type { PostFilterResult } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";

export interface RefuserOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  /** The scheduler's own name, for people who read why a pod was ended. */
  readonly name: string;
}

type Preemption = NonNullable<PostFilterResult["preemption"]>;

const keyOf = ({ metadata }: Pod) => ({
  namespace: metadata?.namespace ?? "",
  name: metadata?.name ?? "",
});

/** The condition, with the hour at which it last became what it is. */
function conditionOf(pod: Pod, wanted: Omit<PodCondition, "lastTransitionTime">, nowMs: number) {
  const known = pod.status?.conditions?.find(({ type }) => type === wanted.type);
  const lastTransitionTime =
    known?.status === wanted.status ? known.lastTransitionTime : rfc3339(nowMs);
  return { ...wanted, lastTransitionTime };
}

/** Tells why a pod has no node, and makes room for it where that was decided. */
export class Refuser {
  readonly #options: RefuserOptions;
  readonly #memory: Memory;
  readonly #pods: ResourceClient<Pod>;

  constructor(options: RefuserOptions, memory: Memory) {
    this.#options = options;
    this.#memory = memory;
    this.#pods = options.client.resource(podsRef);
  }

  /** `promised`: the node that the pod is to have once others have left. Never rejects. */
  async tell(
    { pod }: QueuedPod,
    message: string,
    promised: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    this.#record(pod, "Warning", "FailedScheduling", message);
    const wanted = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
    };
    const isTold = pod.status?.conditions?.some(
      (one) => one.type === wanted.type && one.message === message,
    );
    const isSame = (pod.status?.nominatedNodeName ?? "") === (promised ?? "");
    if (isTold === true && isSame) return;
    const conditions = [conditionOf(pod, wanted, this.#options.clock.now())];
    const nomination = isSame ? {} : { nominatedNodeName: promised ?? null };
    const status = { conditions, ...nomination };
    await this.#patchStatus(pod, status, "the PodScheduled condition was not written", signal);
  }

  /** Ends the victims gracefully. Never rejects: what fails lets the preemptor try again. */
  async preempt(
    preemptor: QueuedPod,
    { node, victims }: Preemption,
    signal: AbortSignal,
  ): Promise<void> {
    this.#dismissOthers(preemptor, node.name, signal);
    const ended = await Promise.all(
      victims.map((victim) => this.#end(victim, preemptor, node.name, signal)),
    );
    if (ended.includes(false) && !signal.aborted) this.#memory.queue.failed(preemptor);
  }

  /** Pods of lower priority that were promised a place on the node look for another. */
  #dismissOthers({ priority }: QueuedPod, node: string, signal: AbortSignal): void {
    const { nominations, queue } = this.#memory;
    for (const other of nominations.on(node)) {
      if (other.priority >= priority) continue;
      const uid = other.pod.metadata?.uid ?? "";
      nominations.remove(uid);
      queue.retry(uid);
      const what = "a nomination was not taken back";
      void this.#patchStatus(other.pod, { nominatedNodeName: null }, what, signal);
    }
  }

  async #end(
    victim: Pod,
    preemptor: QueuedPod,
    node: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    // On its way out already: the preemptor waits for it as for the others.
    if (victim.metadata?.deletionTimestamp !== undefined) return true;
    const wanted = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: `${this.#options.name}: preempting to accommodate a higher priority pod`,
    };
    const condition = conditionOf(victim, wanted, this.#options.clock.now());
    const status = { conditions: [condition] };
    const isMarked = await this.#patchStatus(victim, status, "a victim was not marked", signal);
    if (!isMarked) return false;
    try {
      const uid = victim.metadata?.uid;
      const only = uid === undefined ? {} : { preconditions: { uid } };
      await this.#pods.delete(keyOf(victim), only, signal);
    } catch (error) {
      if (!this.#isExpected(error, signal)) this.#warn(victim, error, "a victim was not deleted");
      return isReason(error, "NotFound", "Conflict");
    }
    const by = preemptor.pod.metadata?.uid ?? "";
    this.#record(victim, "Normal", "Preempted", `Preempted by pod ${by} on node ${node}`);
    return true;
  }

  async #patchStatus(
    pod: Pod,
    status: object,
    otherwise: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const patch = { type: "strategic", body: { status } } as const;
    try {
      await this.#pods.patch(keyOf(pod), patch, { subresource: "status" }, signal);
      return true;
    } catch (error) {
      if (!this.#isExpected(error, signal)) this.#warn(pod, error, otherwise);
      return isReason(error, "NotFound");
    }
  }

  #isExpected(error: unknown, signal: AbortSignal): boolean {
    return signal.aborted || isReason(error, "NotFound", "Conflict");
  }

  #warn({ metadata }: Pod, error: unknown, what: string): void {
    const pod = `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}`;
    this.#options.logger.warn({ pod, error: chainOf(error) }, what);
  }

  #record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#options.events.record({ ref: podsRef, object: pod }, type, reason, message);
  }
}
