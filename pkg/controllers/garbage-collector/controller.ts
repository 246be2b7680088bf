/**
 * The garbage collector: deletes what lost all its owners, and lets owners wait for their
 * dependents or leave them behind. It works on every kind that the server has, as discovery tells,
 * and knows only metadata.
 */
import type { OwnerReference } from "../../../api/meta/v1.ts";
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../../api/resource.ts";
import {
  clusterRoles,
  controllerRevisions,
  customResourceDefinitions,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  serviceAccounts,
  services,
} from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import type { Informer } from "../../client/client.ts";
import { discover, hasVerbs } from "../../client/discovery.ts";
import { startInformer } from "../../client/informer.ts";
import type { ControllerDoors, Program } from "../../controller/controller.ts";
import { WorkQueue } from "../../controller/work-queue.ts";
import { isReason } from "../../machinery/status-error.ts";
import { collect, type CollectorDoors } from "./collect.ts";
import { DependencyGraph, itemOf, mustOrphan, waitsForDependents, type Item } from "./graph.ts";

const limits = {
  workers: 10,
  /** How long a change of the served kinds may go unnoticed, where nothing tells of it. */
  discoveryMs: 300_000,
  discoveryRetryMs: 10_000,
  firstListsMs: 30_000,
} as const;

/** Watching events would cost more than leaving a few behind: they end by themselves. */
const isEvents = ({ plural, group }: ResourceRef): boolean =>
  plural === "events" && (group === "" || group === "events.k8s.io");

/** Kinds that other controllers of this process keep whole: a second copy would cost more. */
const sharedKinds: readonly ResourceRef[] = [
  pods,
  replicaSets,
  deployments,
  daemonSets,
  controllerRevisions,
  services,
  endpointSlices,
  endpoints,
  nodes,
  leases,
  namespaces,
  serviceAccounts,
  clusterRoles,
];
const isShared = (ref: ResourceRef): boolean =>
  sharedKinds.some(({ plural, group }) => plural === ref.plural && group === ref.group);

export const garbageCollector: Program = {
  name: "garbage-collector",
  account: "generic-garbage-collector",
  writes: ["*/metadata.finalizers", "*/metadata.ownerReferences"],
  run: (doors, signal) => new Collector(doors).run(signal),
};

/** Drops all but the metadata that the graph needs, before the informer keeps it. */
const metadataOnly = ({ metadata }: KubeObject): KubeObject => {
  const { managedFields: _fields, annotations: _notes, labels: _labels, ...rest } = metadata ?? {};
  return { metadata: rest };
};

interface Watched {
  readonly ref: ResourceRef;
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
}

class Collector {
  readonly #doors: ControllerDoors;
  readonly #graph = new DependencyGraph();
  readonly #queue: WorkQueue;
  readonly #watched = new Map<string, Watched>();
  #served: readonly ResourceRef[] = [];
  #hasWaited = false;

  constructor(doors: ControllerDoors) {
    this.#doors = doors;
    this.#queue = new WorkQueue({ clock: doors.clock });
    doors.metrics?.watchQueue("garbage-collector", this.#queue);
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#queue.close(), { once: true });
    const following = this.#followDiscovery(signal);
    const collector: CollectorDoors = {
      client: this.#doors.client,
      graph: this.#graph,
      refOf: (owner) => this.#refOf(owner),
      enqueue: (uid) => this.#queue.add(uid),
    };
    const workers = Array.from({ length: limits.workers }, () => this.#work(collector, signal));
    await Promise.all([following, ...workers]);
    for (const { stop } of this.#watched.values()) stop.abort();
  }

  async #work(collector: CollectorDoors, signal: AbortSignal): Promise<void> {
    for (;;) {
      const uid = await this.#queue.take();
      if (uid === undefined) return;
      try {
        await this.#listed(signal);
        await collect(uid, collector, signal);
        this.#queue.forget(uid);
      } catch (error) {
        if (!signal.aborted) this.#retry(uid, error);
      }
      this.#queue.done(uid);
    }
  }

  /**
   * Until the first lists are there, owners would look absent and cost a request each. A kind that
   * cannot be listed must not hold up the others: correctness rests on asking, not on waiting.
   */
  async #listed(signal: AbortSignal): Promise<void> {
    if (this.#hasWaited) return;
    const informers = [...this.#watched.values()].map(({ informer }) => informer);
    if (!informers.every(({ isSynced }) => isSynced)) {
      const resting = new AbortController();
      const patience = AbortSignal.any([signal, resting.signal]);
      await Promise.race([
        Promise.allSettled(informers.map(({ synced }) => synced)),
        this.#doors.clock.sleep(limits.firstListsMs, patience).catch(() => undefined),
      ]);
      resting.abort();
    }
    this.#hasWaited = true;
  }

  #retry(uid: string, error: unknown): void {
    const { name, namespace, ref } = this.#graph.get(uid) ?? {};
    const afterMs = this.#queue.retry(uid);
    const fields = { kind: ref?.kind, namespace, name, afterMs, error: chainOf(error) };
    if (isReason(error, "Conflict")) this.#doors.logger.debug(fields, "met a newer version");
    else this.#doors.logger.warn(fields, "object could not be judged, will try again");
  }

  /** Keeps an informer for every kind that can be collected, as kinds come and go. */
  async #followDiscovery(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#doors;
    let wake = (): void => undefined;
    while (!signal.aborted) {
      let waitMs: number = limits.discoveryMs;
      const changed = new Promise<void>((resolve) => (wake = resolve));
      try {
        const { resources, failures } = await discover(client, signal);
        this.#served = resources;
        // A group that could not be asked keeps its informers.
        this.#watch(resources, failures.length === 0, signal, () => wake());
        if (failures.length > 0) waitMs = limits.discoveryRetryMs;
      } catch (error) {
        if (signal.aborted) return;
        waitMs = limits.discoveryRetryMs;
        logger.warn({ error: chainOf(error) }, "discovery failed, will try again");
      }
      const resting = new AbortController();
      const rest = clock.sleep(waitMs, AbortSignal.any([signal, resting.signal]));
      await Promise.race([rest.catch(() => undefined), changed]);
      resting.abort();
    }
  }

  #watch(
    resources: readonly ResourceRef[],
    isComplete: boolean,
    signal: AbortSignal,
    onNewKinds: () => void,
  ): void {
    const wanted = new Map(
      resources
        .filter((ref) => hasVerbs(ref, "list", "watch", "delete") && !isEvents(ref))
        .map((ref) => [`${apiVersionOf(ref)}/${ref.plural}`, ref]),
    );
    for (const [key, { stop }] of this.#watched)
      if (isComplete && !wanted.has(key)) {
        stop.abort();
        this.#watched.delete(key);
      }
    for (const [key, ref] of wanted) {
      if (this.#watched.has(key)) continue;
      const stop = new AbortController();
      signal.addEventListener("abort", () => stop.abort(), { once: true });
      const informer = isShared(ref)
        ? this.#doors.informers.informer(ref)
        : startInformer(ref, { transform: metadataOnly }, this.#doors, stop.signal);
      const isDefinition =
        ref.plural === customResourceDefinitions.plural &&
        ref.group === customResourceDefinitions.group;
      const listening = informer.onChange((now, before) => {
        this.#changed(ref, now, before);
        if (isDefinition) onNewKinds();
      });
      stop.signal.addEventListener("abort", () => listening[Symbol.dispose](), { once: true });
      for (const object of informer.list()) this.#changed(ref, object, undefined);
      this.#watched.set(key, { ref, informer, stop });
    }
  }

  #changed(ref: ResourceRef, now: KubeObject | undefined, before: KubeObject | undefined): void {
    const old = before?.metadata?.uid;
    if (old !== undefined && old !== now?.metadata?.uid) this.#gone(old);
    if (now === undefined) return;
    const item = itemOf(ref, now);
    this.#graph.put(item);
    if (waitsForDependents(item) || mustOrphan(item)) this.#queue.add(item.uid);
    else if (!item.isDeleting && item.owners.some((owner) => !this.#isSolid(owner)))
      this.#queue.add(item.uid);
    // Owners that wait may have waited for a reference that has just gone.
    for (const owner of before?.metadata?.ownerReferences ?? []) this.#wakeWaiting(owner);
  }

  #gone(uid: string): void {
    const item: Item | undefined = this.#graph.get(uid);
    this.#graph.remove(uid);
    for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.uid);
    for (const owner of item?.owners ?? []) this.#wakeWaiting(owner);
  }

  #wakeWaiting({ uid }: OwnerReference): void {
    const owner = this.#graph.get(uid);
    if (owner !== undefined && waitsForDependents(owner)) this.#queue.add(uid);
  }

  #isSolid({ uid }: OwnerReference): boolean {
    const owner = this.#graph.get(uid);
    return owner !== undefined && !waitsForDependents(owner);
  }

  #refOf({ apiVersion, kind }: OwnerReference): ResourceRef | undefined {
    const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
    return this.#served.find((ref) => ref.kind === kind && ref.group === group);
  }
}
