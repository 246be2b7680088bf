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
  wanted: Wanted | undefined;
  sending: Promise<void> | undefined;
}

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
      wanted: undefined,
      sending: undefined,
    };
    this.#slots.set(uid, slot);
    slot.wanted = { pod, status };
    slot.sending ??= this.#send(slot).finally(() => {
      slot.sending = undefined;
    });
    return slot.sending;
  }

  forget(uid: string): void {
    this.#slots.delete(uid);
  }

  async #send(slot: Slot): Promise<void> {
    while (slot.wanted !== undefined && !this.#signal.aborted) {
      const { pod, status } = slot.wanted;
      slot.wanted = undefined;
      const patch = statusPatch(slot.told, status);
      if (patch === undefined) continue;
      try {
        await this.#patch(pod, patch);
        slot.told = status;
      } catch (error) {
        if (isReason(error, "NotFound", "Conflict")) return;
        const fields = { pod: nameOf(pod), error: chainOf(error) };
        this.#doors.logger.warn(fields, "a pod's status could not be written");
        slot.wanted ??= { pod, status };
        await this.#doors.clock.sleep(retryMs, this.#signal).catch(() => undefined);
      }
    }
  }

  async #patch(pod: Pod, status: unknown): Promise<void> {
    // With its uid: a pod of the same name that came after must not get this one's status.
    const body = { metadata: { uid: uidOf(pod) }, status };
    await this.#doors.client
      .resource(podsRef)
      .patch(
        { namespace: namespaceOf(pod), name: nameOf(pod) },
        { type: "strategic", body },
        { subresource: "status" },
        this.#signal,
      );
  }
}
