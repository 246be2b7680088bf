/**
 * The stores of all kinds over one Storage, and the server's own view of their objects. Made before
 * the request chain, because authenticators and authorisers decide by the objects in them.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import { apiVersionOf } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Storage } from "../storage/storage.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import { AdmissionChain } from "./admission/run-admission.ts";
import { EntryCodec } from "./cache/entry-codec.ts";
import { ObjectCache } from "./cache/object-cache.ts";
import { StorageFeed } from "./cache/storage-feed.ts";
import type { ObjectName, Objects } from "./objects-contract.ts";
import type { Resource } from "./resource.ts";
import { decodeForeign } from "./serve/decode-stored.ts";
import type { Allocations } from "./store/allocation.ts";
import { ResourceStore, type StoreParts } from "./store/resource-store.ts";
import { everythingIn } from "./store/selection.ts";

export interface StoresOptions {
  readonly storage: Storage;
  readonly resources: readonly Resource[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** In the order in which they run. */
  readonly admission: readonly AdmissionPlugin[];
  readonly allocations?: (stores: StoreFinder) => Allocations;
}

export interface StoreFinder {
  /** Undefined: the kind is not served. */
  find(ref: Pick<ResourceRef, "group" | "version" | "plural">): ResourceStore | undefined;
}

export interface Stores extends StoreFinder {
  readonly all: readonly ResourceStore[];
  readonly feed: StorageFeed;
  readonly objects: Objects;
}

const keyOf = (ref: Pick<ResourceRef, "group" | "version" | "plural">): string =>
  `${apiVersionOf(ref)}/${ref.plural}`;

export function createStores(options: StoresOptions): Stores {
  const { storage, clock, random, logger } = options;
  const feed = new StorageFeed({ storage, clock, logger });
  const byKind = new Map<string, ResourceStore>();
  const finder: StoreFinder = { find: (ref) => byKind.get(keyOf(ref)) };
  const objects = objectsOf(finder);
  const parts: StoreParts = {
    storage,
    feed,
    clock,
    random,
    admission: new AdmissionChain(options.admission),
    objects,
    allocations: options.allocations?.(finder) ?? new Map(),
  };
  const onGarbage = (key: string, error: unknown): void =>
    logger.error({ key, error: chainOf(error) }, "an object in storage cannot be read");
  for (const resource of options.resources) {
    const cache = new ObjectCache(new EntryCodec(resource, decodeForeign, onGarbage));
    feed.add(cache);
    byKind.set(keyOf(resource.ref), new ResourceStore(cache, parts));
  }
  return { ...finder, all: [...byKind.values()], feed, objects };
}

function objectsOf(stores: StoreFinder): Objects {
  const keyIn = (store: ResourceStore, { namespace = "", name }: ObjectName): string =>
    store.codec.keyOf(namespace, name);
  return {
    get: <T extends KubeObject>(ref: ResourceRef<T>, name: ObjectName) => {
      const store = stores.find(ref);
      const entry = store?.cache.get(keyIn(store, name));
      return entry === undefined ? undefined : (store?.objectOf(entry) as T);
    },
    list: <T extends KubeObject>(ref: ResourceRef<T>, namespace = "") => {
      const store = stores.find(ref);
      if (store === undefined) return [];
      const entries = store.cache.select(everythingIn(namespace));
      return entries.map((entry) => store.objectOf(entry) as T);
    },
    read: async <T extends KubeObject>(
      ref: ResourceRef<T>,
      name: ObjectName,
      signal: AbortSignal,
    ) => {
      const store = stores.find(ref);
      if (store === undefined) return undefined;
      try {
        const entry = await store.readStored(keyIn(store, name), signal);
        return entry === undefined ? undefined : (store.objectOf(entry) as T);
      } catch (error) {
        if (isReason(error, "NotFound")) return undefined;
        throw error;
      }
    },
    changes: (ref) => stores.find(ref)?.cache.changes ?? 0,
  };
}
