/**
 * The scheduler: gives every pod without a node the best one. It reads pods and nodes, and writes
 * bindings, the PodScheduled condition and events; it never starts anything on a node. Decisions
 * are made one after another on a cache that counts earlier ones at once (assume); bindings are
 * written beside that, many at a time.
 */
import type { PodDisruptionBudget } from "../../api/policy/v1.ts";
import type { ResourceRef } from "../../api/resource.ts";
import {
  namespaces as namespacesRef,
  nodes as nodesRef,
  podDisruptionBudgets,
  pods as podsRef,
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
} from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import { seededRandom, type Random } from "../base/random.ts";
import type { Client, Informers } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Binder } from "./binder.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { schedule, tryWithout } from "./cycle.ts";
import { DefaultSelectors } from "./default-selectors.ts";
import { Feed, type Memory } from "./feed.ts";
import type { PostFilterContext, PostFilterResult, Plugin } from "./framework.ts";
import type { QueuedPod } from "./queued-pod.ts";
import { having, type Hooks } from "./framework.ts";
import { Nominations } from "./nominations.ts";
import { Profile } from "./profile.ts";
import { Refuser } from "./refuser.ts";
import { describeRefusals, type Refusals } from "./refusals.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";
import { servedInformers, type ServedInformers } from "./served-informers.ts";
import { Slots } from "./slots.ts";

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

const limits = {
  /** Writes under way at once: enough to keep the API server busy, few enough to stay fair. */
  writesMax: 64,
  /** Cycles decided in a row before other work of this process gets its turn. */
  cyclesInARow: 32,
} as const;

/** Read where the server has them. */
const helpful: readonly ResourceRef[] = [
  services,
  replicaSets,
  statefulSets,
  replicationControllers,
  podDisruptionBudgets,
];

/** Resolves when the signal aborts and the writes under way have ended. */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { informers, clock, plugins } = options;
  const queue = new SchedulingQueue(clock, plugins);
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const nodes = informers.informer(nodesRef);
  const pods = informers.informer(podsRef);
  const namespaces = informers.informer(namespacesRef);
  const served = await untilSynced(options, [nodes, pods, namespaces], signal);
  if (served === undefined) return;
  const cache = new ClusterCache(new DefaultSelectors(served).of);
  const memory = { cache, queue, nominations: new Nominations() };
  const feed = new Feed(options, memory);
  using _namespaces = namespaces.onChange((now, before) => feed.namespace(now, before));
  using _nodes = nodes.onChange((now, before) => feed.node(now, before));
  using _pods = pods.onChange((now, before) => feed.pod(now, before));
  for (const namespace of namespaces.list()) feed.namespace(namespace, undefined);
  for (const node of nodes.list()) feed.node(node, undefined);
  for (const pod of pods.list()) feed.pod(pod, undefined);
  await new Cycles(options, memory, budgetsOf(served)).run(signal);
}

const budgetsOf = (served: ServedInformers) => (): readonly PodDisruptionBudget[] =>
  served.get(podDisruptionBudgets)?.list() ?? [];

/** Undefined: told to stop before there was anything to schedule: an end like any other. */
async function untilSynced(
  options: SchedulerOptions,
  informers: readonly { readonly synced: Promise<void> }[],
  signal: AbortSignal,
): Promise<ServedInformers | undefined> {
  try {
    await Promise.all(informers.map(({ synced }) => synced));
    const served = await servedInformers(options, helpful, signal);
    await served.synced;
    return served;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** Decides pod after pod, and has it written. */
class Cycles {
  readonly #options: SchedulerOptions;
  readonly #memory: Memory;
  readonly #budgets: () => readonly PodDisruptionBudget[];
  readonly #profile: Profile;
  readonly #reserves: readonly Pick<Hooks, "reserve">[];
  readonly #binder: Binder;
  readonly #refuser: Refuser;
  readonly #writes = new Slots(limits.writesMax);
  /** Seeded once: good numbers for every decision would cost more than the decision's scores. */
  readonly #chance: Random;
  #start = 0;

  constructor(
    options: SchedulerOptions,
    memory: Memory,
    budgets: () => readonly PodDisruptionBudget[],
  ) {
    this.#options = options;
    this.#memory = memory;
    this.#budgets = budgets;
    this.#profile = new Profile(options.plugins);
    this.#chance = seededRandom(Math.floor(options.random.fraction() * 2 ** 32));
    this.#reserves = having(options.plugins, "reserve");
    this.#binder = new Binder(options, memory);
    this.#refuser = new Refuser(options, memory);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { queue } = this.#memory;
    for (let count = 1; ; count++) {
      const pod = queue.popNow() ?? (await queue.pop());
      if (pod === undefined) break;
      this.#decide(pod, signal);
      await this.#writes.whenFree();
      if (count % limits.cyclesInARow === 0)
        await this.#options.clock.sleep(0, signal).catch(() => undefined);
    }
    await this.#writes.allEnded();
  }

  #decide(pod: QueuedPod, signal: AbortSignal): void {
    const { cache, nominations } = this.#memory;
    const tieBreak = this.#chance.fraction();
    const options = { cache, nominations, start: this.#start, tieBreak };
    const result = schedule(this.#profile, pod, options);
    if (!result.fits) return this.#refuse(pod, result.refusals, signal);
    this.#start = (this.#start + result.lookedAt) % Math.max(1, cache.nodes.length);
    cache.assume(pod.pod, pod.demand, result.node.name);
    for (const plugin of this.#reserves) plugin.reserve(pod, result.node);
    this.#writes.run(this.#binder.bind(pod, result.node, signal));
  }

  /** No node fits: preemption may make room; otherwise the pod waits, and people are told why. */
  #refuse(pod: QueuedPod, refusals: Refusals, signal: AbortSignal): void {
    const { queue, nominations } = this.#memory;
    const { message, preemption, isUnderWay } = this.#postFilter(pod, refusals);
    const text = `${describeRefusals(refusals)}${message === "" ? "" : ` ${message}`}`;
    queue.refused(pod, refusals.plugins);
    if (preemption !== undefined) {
      nominations.set(pod, preemption.node.name);
      this.#writes.run(this.#refuser.preempt(pod, preemption, signal));
    } else if (isUnderWay !== true) nominations.remove(pod.pod.metadata?.uid ?? "");
    this.#writes.run(this.#refuser.tell(pod, text, nominations.nodeOf(pod), signal));
  }

  #postFilter(pod: QueuedPod, refusals: Refusals): PostFilterResult {
    const { cache, nominations } = this.#memory;
    const context: PostFilterContext = {
      snapshot: cache,
      helped: refusals.helped,
      tryWithout: tryWithout(this.#profile, pod, { cache, nominations }),
      budgets: this.#budgets,
      chance: this.#chance.fraction(),
    };
    const messages: string[] = [];
    for (const plugin of this.#profile.postFilters) {
      const result = plugin.postFilter(pod, context);
      if (result.message !== "") messages.push(result.message);
      if (result.preemption !== undefined || result.isUnderWay === true)
        return { ...result, message: messages.join(", ") };
    }
    return { message: messages.join(", ") };
  }
}
