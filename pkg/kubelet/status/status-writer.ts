import type { Pod, PodStatus } from "../../../api/core/v1.ts";
import { pods as podsRef } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Client } from "../../client/client.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { nameOf, namespaceOf, uidOf } from "../pods/pod-spec.ts";
import { statusPatch } from "./status-patch.ts";

export interface StatusWriterDoors {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Between attempts when the API server does not take a status. */
const retryMs = 1_000;

interface Wanted {
  readonly pod: Pod;
  readonly status: PodStatus;
}

interface Slot {
  /** What the API server has, as far as is known. */
  told: PodStatus | undefined;
  /** Resource version with which the server answered the last time. */
  version: number;
  wanted: Wanted | undefined;
  sending: Promise<void> | undefined;
}

const versionOf = ({ metadata }: Pod): number => Number(metadata?.resourceVersion ?? 0);
const readinessOf = (status: PodStatus | undefined): string | undefined =>
  status?.conditions?.find(({ type }) => type === "Ready")?.status;

/**
 * Tells the API server pods' statuses: at once, one request a pod at a time, and of several
 * statuses that wait only the newest.
 */
export class StatusWriter {
  readonly #doors: StatusWriterDoors;
  readonly #signal: AbortSignal;
  readonly #slots = new Map<string, Slot>();

  constructor(doors: StatusWriterDoors, signal: AbortSignal) {
    this.#doors = doors;
    this.#signal = signal;
  }

  /**
   * Resolves when the API server has this status or a newer one, or when the pod is not there any
   * more. `pod` is the object there: the mirror, for a static pod.
   */
  write(pod: Pod, status: PodStatus): Promise<void> {
    const uid = uidOf(pod);
    const slot = this.#slots.get(uid) ?? {
      told: pod.status,
      version: versionOf(pod),
      wanted: undefined,
      sending: undefined,
    };
    this.#slots.set(uid, slot);
    slot.wanted = { pod, status };
    slot.sending ??= this.#send(slot);
    return slot.sending;
  }

  /**
   * The object as the server tells it. True: somebody else has written another readiness since
   * (for a node that was not heard), and this kubelet's word is to be told again.
   */
  isOverruled(pod: Pod): boolean {
    const slot = this.#slots.get(uidOf(pod));
    if (slot?.told === undefined || slot.sending !== undefined) return false;
    if (versionOf(pod) <= slot.version) return false;
    if (readinessOf(pod.status) === readinessOf(slot.told)) return false;
    slot.told = pod.status;
    return true;
  }

  forget(uid: string): void {
    this.#slots.delete(uid);
  }

  async #send(slot: Slot): Promise<void> {
    // `sending` is set by then; and it goes in the very step in which nothing more is wanted: what
    // came in between would be left lying.
    await Promise.resolve();
    try {
      while (slot.wanted !== undefined && !this.#signal.aborted) {
        const wanted = slot.wanted;
        slot.wanted = undefined;
        if (!(await this.#sendOne(slot, wanted))) return;
      }
    } finally {
      slot.sending = undefined;
    }
  }

  /** False when the pod is gone. */
  async #sendOne(slot: Slot, wanted: Wanted): Promise<boolean> {
    const { pod, status } = wanted;
    const patch = statusPatch(slot.told, status);
    if (patch === undefined) return true;
    try {
      slot.version = versionOf(await this.#patch(pod, patch));
      slot.told = status;
    } catch (error) {
      if (isReason(error, "NotFound", "Conflict")) return false;
      const fields = { pod: nameOf(pod), error: chainOf(error) };
      this.#doors.logger.warn(fields, "a pod's status could not be written");
      slot.wanted ??= wanted;
      await this.#doors.clock.sleep(retryMs, this.#signal).catch(() => undefined);
    }
    return true;
  }

  async #patch(pod: Pod, status: unknown): Promise<Pod> {
    // With its uid: a pod of the same name that came after must not get this one's status.
    const body = { metadata: { uid: uidOf(pod) }, status };
    return await this.#doors.client
      .resource(podsRef)
      .patch(
        { namespace: namespaceOf(pod), name: nameOf(pod) },
        { type: "strategic", body },
        { subresource: "status" },
        this.#signal,
      );
  }
}
