import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import type { Informer, InformerOptions, Informers } from "../client.ts";
import { InformerStore } from "../informer-store.ts";

/** Informers without a server: what a test puts into a kind's store is what they have seen. */
export class StoredInformers implements Informers {
  readonly #stores = new Map<string, unknown>();
  #version = 0;

  #store<T extends KubeObject>(ref: ResourceRef<T>): InformerStore<T> {
    const store =
      (this.#stores.get(ref.plural) as InformerStore<T> | undefined) ?? new InformerStore();
    this.#stores.set(ref.plural, store);
    return store;
  }

  put<T extends KubeObject>(ref: ResourceRef<T>, ...objects: readonly T[]): void {
    for (const object of objects) this.#store(ref).put(object, `${++this.#version}`);
  }

  remove<T extends KubeObject>(ref: ResourceRef<T>, object: T): void {
    this.#store(ref).remove(object, `${++this.#version}`);
  }

  informer<T extends KubeObject>(
    ref: ResourceRef<T>,
    options: InformerOptions<T> = {},
  ): Informer<T> {
    const store = this.#store(ref);
    for (const [name, of] of Object.entries(options.indexes ?? {})) store.addIndex(name, of);
    return Object.assign(store, { synced: Promise.resolve(), isSynced: true });
  }
}
