/**
 * The scheduler: gives every pod without a node the best one. It reads pods and nodes, and writes
 * bindings, the PodScheduled condition and events; it never starts anything on a node. Decisions
 * are made one after another on a cache that counts earlier ones at once (assume); bindings are
 * written beside that, many at a time.
 */
import type { Pod } from "../../api/core/v1.ts";
import { nodes as nodesRef, pods as podsRef } from "../../api/resources.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Client, Informers, ResourceClient } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { describeRefusals, profileOf, schedule, type Profile, type Refusals } from "./cycle.ts";
import { having, type Plugin, type QueuedPod } from "./framework.ts";
import type { NodeState } from "./node-state.ts";
import { podDemand } from "./pod-demand.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";

export interface SchedulerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly plugins: readonly Plugin[];
  /** Pods that ask for another scheduler are left alone. */
  readonly name: string;
}

/** Bindings under way at once: enough to keep the API server busy, few enough to stay fair. */
const bindingsMax = 64;
/** Cycles decided in a row before other work of this process gets its turn. */
const cyclesInARow = 32;

const isPending = (pod: Pod): boolean =>
  (pod.spec?.nodeName ?? "") === "" &&
  pod.metadata?.deletionTimestamp === undefined &&
  pod.status?.phase !== "Succeeded" &&
  pod.status?.phase !== "Failed";

/** Resolves when the signal aborts and the bindings under way have ended. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { informers, clock, plugins } = options;
  const cache = new ClusterCache();
  const queue = new SchedulingQueue(clock, plugins);
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const podInformer = informers.informer(podsRef);
  const nodeInformer = informers.informer(nodesRef);
  try {
    await Promise.all([podInformer.synced, nodeInformer.synced]);
  } catch (error) {
    // Told to stop before there was anything to schedule: an end like any other.
    if (signal.aborted) return;
    throw error;
  }
  const feed = new Feed(options, cache, queue);
  using _nodes = nodeInformer.onChange((now, before) => feed.node(now, before));
  using _pods = podInformer.onChange((now, before) => feed.pod(now, before));
  for (const node of nodeInformer.list()) feed.node(node, undefined);
  for (const pod of podInformer.list()) feed.pod(pod, undefined);
  await new Cycles(options, cache, queue).run(signal);
}

/** Carries what the informers show into cache and queue. */
class Feed {
  readonly #options: SchedulerOptions;
  readonly #cache: ClusterCache;
  readonly #queue: SchedulingQueue;

  constructor(options: SchedulerOptions, cache: ClusterCache, queue: SchedulingQueue) {
    this.#options = options;
    this.#cache = cache;
    this.#queue = queue;
  }

  node(now: NodeState["node"] | undefined, before: NodeState["node"] | undefined): void {
    if (now === undefined) return this.#cache.removeNode(before?.metadata?.name ?? "");
    this.#cache.setNode(now);
    if (before === undefined) this.#queue.wake({ type: "node-added", node: now });
    else this.#queue.wake({ type: "node-changed", node: now, before });
  }

  pod(now: Pod | undefined, before: Pod | undefined): void {
    const pod = now ?? before;
    if (pod === undefined) return;
    if (now !== undefined && isPending(now)) return this.#pending(now);
    this.#queue.remove(pod.metadata?.uid ?? "");
    const held = before !== undefined && this.#cache.isPlaced(before);
    if (now === undefined) this.#cache.removePod(pod);
    else this.#cache.setPod(now);
    if (held && !this.#cache.isPlaced(pod)) this.#queue.wake({ type: "pod-deleted", pod });
  }

  #pending(pod: Pod): void {
    // Already given a node: its binding is on the way.
    if (this.#cache.isPlaced(pod)) return;
    if ((pod.spec?.schedulerName ?? "default-scheduler") !== this.#options.name) return;
    for (const plugin of having(this.#options.plugins, "preEnqueue")) {
      if (plugin.preEnqueue(pod) !== undefined) return;
    }
    const queuedAtMs = this.#options.clock.now();
    this.#queue.add({ pod, demand: podDemand(pod), priority: pod.spec?.priority ?? 0, queuedAtMs });
  }
}

/** Decides pod after pod, and binds. */
class Cycles {
  readonly #options: SchedulerOptions;
  readonly #cache: ClusterCache;
  readonly #queue: SchedulingQueue;
  readonly #profile: Profile;
  readonly #pods: ResourceClient<Pod>;
  readonly #binding = new Set<Promise<void>>();
  #start = 0;

  constructor(options: SchedulerOptions, cache: ClusterCache, queue: SchedulingQueue) {
    this.#options = options;
    this.#cache = cache;
    this.#queue = queue;
    this.#profile = profileOf(options.plugins);
    this.#pods = options.client.resource(podsRef);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let count = 1; ; count++) {
      const pod = await this.#queue.pop();
      if (pod === undefined) break;
      await this.#decide(pod, signal);
      if (this.#binding.size >= bindingsMax) await Promise.race(this.#binding);
      if (count % cyclesInARow === 0)
        await this.#options.clock.sleep(0, signal).catch(() => undefined);
    }
    await Promise.all(this.#binding);
  }

  async #decide(pod: QueuedPod, signal: AbortSignal): Promise<void> {
    const tieBreak = this.#options.random.fraction();
    const result = schedule(this.#profile, pod, this.#cache, { start: this.#start, tieBreak });
    this.#start = (this.#start + 1) % Math.max(1, this.#cache.nodes.length);
    if (!result.fits) return this.#refuse(pod, result.refusals, signal);
    this.#cache.assume(pod.pod, pod.demand, result.node.name);
    for (const plugin of having(this.#options.plugins, "reserve")) plugin.reserve(pod, result.node);
    const bound = this.#bind(pod, result.node, signal);
    this.#binding.add(bound);
    void bound.finally(() => this.#binding.delete(bound));
  }

  async #bind(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void> {
    const { plugins, logger } = this.#options;
    const { namespace = "", name = "", uid = "" } = pod.pod.metadata ?? {};
    try {
      for (const plugin of having(plugins, "permit")) await plugin.permit(pod, node, signal);
      for (const plugin of having(plugins, "preBind")) await plugin.preBind(pod, node, signal);
      await this.#write(pod, node, signal);
      this.#queue.remove(uid);
      for (const plugin of having(plugins, "postBind")) plugin.postBind(pod, node);
      const message = `Successfully assigned ${namespace}/${name} to ${node.name}`;
      this.#record(pod.pod, "Normal", "Scheduled", message);
    } catch (error) {
      for (const plugin of having(plugins, "unreserve")) plugin.unreserve(pod, node);
      this.#cache.removePod(pod.pod);
      if (signal.aborted) return;
      if (isReason(error, "NotFound")) return this.#queue.remove(uid);
      logger.warn(
        { pod: `${namespace}/${name}`, node: node.name, error: chainOf(error) },
        "binding failed",
      );
      this.#queue.failed(pod);
    }
  }

  async #write(pod: QueuedPod, node: NodeState, signal: AbortSignal): Promise<void> {
    for (const plugin of having(this.#options.plugins, "bind")) {
      if (await plugin.bind(pod, node, signal)) return;
    }
    const { namespace = "", name = "", uid = "" } = pod.pod.metadata ?? {};
    const binding = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: node.name },
    };
    await this.#pods.createSubresource({ namespace, name }, "binding", binding, signal);
  }

  /** No node fits: preemption may make room; otherwise the pod waits, and people are told why. */
  async #refuse(pod: QueuedPod, refusals: Refusals, signal: AbortSignal): Promise<void> {
    this.#queue.refused(pod, refusals.plugins);
    const message = describeRefusals(refusals);
    this.#record(pod.pod, "Warning", "FailedScheduling", message);
    let nominatedNodeName: string | undefined;
    for (const plugin of having(this.#options.plugins, "postFilter")) {
      nominatedNodeName ??= (await plugin.postFilter(pod, this.#cache, signal))?.nominatedNode;
    }
    const status = {
      conditions: [this.#unschedulable(pod.pod, message)],
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    };
    const told = pod.pod.status?.conditions?.some(
      (one) => one.type === "PodScheduled" && one.message === message,
    );
    if (told === true && nominatedNodeName === undefined) return;
    const { namespace = "", name = "" } = pod.pod.metadata ?? {};
    const patch = { type: "strategic", body: { status } } as const;
    const written = this.#pods
      .patch({ namespace, name }, patch, { subresource: "status" }, signal)
      .then(() => undefined)
      .catch((error: unknown) => {
        if (signal.aborted || isReason(error, "NotFound")) return;
        const fields = { pod: `${namespace}/${name}`, error: chainOf(error) };
        this.#options.logger.warn(fields, "the PodScheduled condition was not written");
      });
    this.#binding.add(written);
    void written.finally(() => this.#binding.delete(written));
  }

  #unschedulable(pod: Pod, message: string): Record<string, unknown> {
    const known = pod.status?.conditions?.find((one) => one.type === "PodScheduled");
    const lastTransitionTime =
      known?.status === "False" ? known.lastTransitionTime : rfc3339(this.#options.clock.now());
    return {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastTransitionTime,
    };
  }

  #record(pod: Pod, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#options.events.record({ ref: podsRef, object: pod }, type, reason, message);
  }
}
