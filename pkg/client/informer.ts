import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";
import type { Informer, Informers, InformerOptions } from "./client.ts";
import { InformerStore } from "./informer-store.ts";
import { reflect, type ReflectorDoors } from "./reflector.ts";

/** An Informer that runs until the signal aborts; `synced` rejects when that comes first. */
export function startInformer<T extends KubeObject>(
  ref: ResourceRef<T>,
  options: InformerOptions<T>,
  doors: ReflectorDoors,
  signal: AbortSignal,
): Informer<T> {
  const store = new InformerStore<T>(options.transform);
  for (const [name, of] of Object.entries(options.indexes ?? {})) store.addIndex(name, of);
  const synced = firstList(store, signal);
  const { namespace, labelSelector, fieldSelector } = options;
  const selection = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
  void reflect(ref, selection, store, doors, signal);
  return {
    get: (key) => store.get(key),
    list: (within) => store.list(within),
    byIndex: (index, value) => store.byIndex(index, value),
    addIndex: (name, of) => store.addIndex(name, of),
    onChange: (listener) => store.onChange(listener),
    onProgress: (listener) => store.onProgress(listener),
    synced,
    get isSynced() {
      return store.resourceVersion !== "";
    },
    get resourceVersion() {
      return store.resourceVersion;
    },
  };
}

function firstList<T extends KubeObject>(
  store: InformerStore<T>,
  signal: AbortSignal,
): Promise<void> {
  const synced = new Promise<void>((resolve, reject) => {
    const listening = store.onProgress(() => {
      listening[Symbol.dispose]();
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  // Who never asks whether it synced must not crash the process by stopping.
  synced.catch(() => undefined);
  return synced;
}

/**
 * Shares one informer among all that ask for the same kind, selection and transform; indexes are
 * added to it. All end with the signal. `transform` runs on every object of every kind first.
 */
export function createInformers(
  doors: ReflectorDoors,
  signal: AbortSignal,
  transform?: <T extends KubeObject>(object: T) => T,
): Informers {
  const running: { readonly key: string; readonly transform: unknown; readonly it: unknown }[] = [];
  return {
    informer: <T extends KubeObject>(ref: ResourceRef<T>, options: InformerOptions<T> = {}) => {
      const key = selectionKey(ref, options);
      const shared = running.find((one) => one.key === key && one.transform === options.transform)
        ?.it as Informer<T> | undefined;
      if (shared !== undefined) {
        for (const [name, of] of Object.entries(options.indexes ?? {})) shared.addIndex(name, of);
        return shared;
      }
      const own = options.transform;
      const both = (object: T): T => {
        const first = transform === undefined ? object : transform(object);
        return own === undefined ? first : own(first);
      };
      const it = startInformer(ref, { ...options, transform: both }, doors, signal);
      running.push({ key, transform: own, it });
      return it;
    },
  };
}

const selectionKey = <T extends KubeObject>(
  ref: ResourceRef<T>,
  { namespace, labelSelector, fieldSelector }: InformerOptions<T>,
): string =>
  JSON.stringify([apiVersionOf(ref), ref.plural, namespace, labelSelector, fieldSelector]);

/** Drops who set which field: large, and no controller reads it. For `createInformers`. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata?.managedFields === undefined) return object;
  const { managedFields: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
}
