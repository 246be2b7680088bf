import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";
import { chainOf } from "../base/errors.ts";
import type { Informer } from "../client/client.ts";
import type { EventRecorder } from "../client/events.ts";
import { keyOf, splitKey } from "../client/informer-store.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Context, ControllerDoors, Definition, Program } from "./controller.ts";
import { OwnWrites, patienceMs, trackedClient } from "./own-writes.ts";
import { WorkQueue } from "./work-queue.ts";

const workersDefault = 5;

/** Makes a program of a definition. */
export const defineController = <T extends KubeObject>(definition: Definition<T>): Program => ({
  name: definition.name,
  account: definition.account,
  writes: definition.writes,
  run: (doors, signal) => new Run(definition, doors).run(signal),
});

const refKey = (ref: ResourceRef): string => `${apiVersionOf(ref)}/${ref.plural}`;

class Run<T extends KubeObject> {
  readonly #definition: Definition<T>;
  readonly #doors: ControllerDoors;
  readonly #queue: WorkQueue;
  readonly #writes: OwnWrites;
  readonly #main: Informer<T>;
  readonly #events: EventRecorder;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  /** Keys that wait for the caches to show their own last writes. */
  readonly #parked = new Set<string>();

  constructor(definition: Definition<T>, doors: ControllerDoors) {
    this.#definition = definition;
    this.#doors = doors;
    this.#queue = new WorkQueue({ clock: doors.clock });
    doors.metrics?.watchQueue(definition.name, this.#queue);
    this.#writes = new OwnWrites(doors.clock);
    this.#events = doors.events.from(definition.eventSource);
    const { indexes, fieldSelector: only } = definition;
    this.#main = doors.informers.informer(definition.reconciles, {
      ...(indexes === undefined ? {} : { indexes }),
      ...(only === undefined ? {} : { fieldSelector: only }),
    });
    this.#informers.set(
      refKey(definition.reconciles),
      this.#main as unknown as Informer<KubeObject>,
    );
    for (const { ref, indexes: wanted, fieldSelector } of definition.reads)
      this.#informers.set(
        refKey(ref),
        doors.informers.informer(ref, {
          ...(wanted === undefined ? {} : { indexes: wanted }),
          ...(fieldSelector === undefined ? {} : { fieldSelector }),
        }),
      );
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = [...this.#informers.values()];
    await Promise.all(informers.map((informer) => informer.synced));
    using listening = new DisposableStack();
    for (const informer of informers) listening.use(informer.onProgress(() => this.#wakeParked()));
    this.#listen(listening);
    const close = (): void => this.#queue.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    const workers = this.#definition.workers ?? workersDefault;
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
  }

  /** From here on changes come as keys; what was there before is queued once. */
  #listen(listening: DisposableStack): void {
    const lookup = { informer: this.#informer };
    listening.use(
      this.#main.onChange((now, before) => {
        const object = now ?? before;
        if (object !== undefined) this.#queue.add(keyOf(object));
      }),
    );
    for (const { ref, wakes } of this.#definition.reads)
      listening.use(
        this.#informer(ref).onChange((now, before) => {
          const keys = new Set<string>();
          for (const object of [before, now])
            if (object !== undefined) for (const key of wakes(object, lookup)) keys.add(key);
          for (const key of keys) this.#queue.add(key);
        }),
      );
    for (const object of this.#main.list()) this.#queue.add(keyOf(object));
    for (const { ref, wakes, wakesAtStart } of this.#definition.reads)
      if (wakesAtStart === true)
        for (const object of this.#informer(ref).list())
          for (const key of wakes(object, lookup)) this.#queue.add(key);
  }

  readonly #informer = <K extends KubeObject>(ref: ResourceRef<K>): Informer<K> => {
    const informer = this.#informers.get(refKey(ref));
    if (informer === undefined)
      throw new Error(`controller ${this.#definition.name} does not declare to read ${ref.plural}`);
    return informer as unknown as Informer<K>;
  };

  #park(key: string): void {
    this.#parked.add(key);
    this.#queue.addAfter(key, patienceMs);
  }

  #wakeParked(): void {
    for (const key of this.#parked)
      if (this.#writes.areSeen(key)) {
        this.#parked.delete(key);
        this.#queue.add(key);
      }
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      if (this.#writes.areSeen(key)) await this.#reconcile(key, signal);
      else this.#park(key);
      this.#queue.done(key);
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { logger } = this.#doors;
    try {
      const object = this.#main.get(key);
      const context = this.#context(key);
      if (object === undefined) await this.#definition.gone?.(key, context, signal);
      else {
        const { requeueAfterMs } = await this.#definition.reconcile(object, context, signal);
        if (requeueAfterMs !== undefined) this.#queue.addAfter(key, requeueAfterMs);
      }
      this.#queue.forget(key);
    } catch (error) {
      if (signal.aborted) return;
      const afterMs = this.#queue.retry(key);
      const fields = { controller: this.#definition.name, key, afterMs, error: chainOf(error) };
      // Somebody else was quicker: the object's next version, or its end, is on its way here.
      const isGone = isReason(error, "NotFound") && error.details.name === splitKey(key).name;
      if (isGone || isReason(error, "Conflict")) logger.debug(fields, "reconcile came too late");
      else logger.warn(fields, "reconcile failed, will try again");
    }
  }

  #context(key: string): Context {
    const { client, clock, random, logger } = this.#doors;
    const informerOf = (ref: ResourceRef) => this.#informers.get(refKey(ref));
    const tracking = { key, writes: this.#writes, informerOf };
    return {
      client: trackedClient(client, tracking),
      informer: this.#informer,
      clock,
      random,
      logger,
      events: this.#events,
    };
  }
}
