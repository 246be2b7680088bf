import type { Pod } from "../../api/core/v1.ts";
import { pods as podsRef } from "../../api/resources.ts";
import { chainOf } from "../base/errors.ts";
import type { Client, ResourceClient } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Memory } from "./feed.ts";
import { having, type Hooks, type Plugin } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";
import type { NodeState } from "./node-state.ts";

export interface BinderOptions {
  readonly client: Client;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly plugins: readonly Plugin[];
}

/** Writes decisions: whatever goes wrong gives the place back and lets the pod try again. */
export class Binder {
  readonly #options: BinderOptions;
  readonly #memory: Memory;
  readonly #pods: ResourceClient<Pod>;
  readonly #permits: readonly Pick<Hooks, "permit">[];
  readonly #preBinds: readonly Pick<Hooks, "preBind">[];
  readonly #binds: readonly Pick<Hooks, "bind">[];
  readonly #postBinds: readonly Pick<Hooks, "postBind">[];
  readonly #unreserves: readonly Pick<Hooks, "unreserve">[];

  constructor(options: BinderOptions, memory: Memory) {
    this.#options = options;
    this.#memory = memory;
    this.#pods = options.client.resource(podsRef);
    this.#permits = having(options.plugins, "permit");
    this.#preBinds = having(options.plugins, "preBind");
    this.#binds = having(options.plugins, "bind");
    this.#postBinds = having(options.plugins, "postBind");
    this.#unreserves = having(options.plugins, "unreserve");
  }

  /** Never rejects. */
  async bind(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void> {
    const { namespace = "", name = "", uid = "" } = pod.pod.metadata ?? {};
    const { queue, nominations } = this.#memory;
    try {
      for (const plugin of this.#permits) await plugin.permit(pod, node, signal);
      for (const plugin of this.#preBinds) await plugin.preBind(pod, node, signal);
      await this.#write(pod, node, signal);
      queue.remove(uid);
      nominations.remove(uid);
      for (const plugin of this.#postBinds) plugin.postBind(pod, node);
      const message = `Successfully assigned ${namespace}/${name} to ${node.name}`;
      const subject = { ref: podsRef, object: pod.pod };
      this.#options.events.record(subject, "Normal", "Scheduled", message);
    } catch (error) {
      for (const plugin of this.#unreserves) plugin.unreserve(pod, node);
      this.#giveUp(pod, node, error, signal);
    }
  }

  #giveUp(pod: QueuedPod, node: NodeState, error: unknown, signal: AbortSignal): void {
    const { namespace = "", name = "", uid = "" } = pod.pod.metadata ?? {};
    const { cache, queue } = this.#memory;
    cache.forget(pod.pod);
    if (signal.aborted) return;
    // Others may have been refused because of a place that was never taken.
    queue.wake({ type: "pod-deleted", pod: pod.pod });
    if (isReason(error, "NotFound")) return queue.remove(uid);
    const fields = { pod: `${namespace}/${name}`, node: node.name, error: chainOf(error) };
    this.#options.logger.warn(fields, "binding failed");
    queue.failed(pod);
  }

  async #write(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void> {
    for (const plugin of this.#binds) if (await plugin.bind(pod, node, signal)) return;
    const { namespace = "", name = "", uid = "" } = pod.pod.metadata ?? {};
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: node.name },
    };
    await this.#pods.createSubresource({ namespace, name }, "binding", binding, signal);
  }
}
