/**
 * The stores of all kinds over one Storage, and the server's own view of their objects. Made before
 * the request chain, because authenticators and authorisers decide by the objects in them.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import { apiVersionOf } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import { assert, chainOf } from "../base/errors.ts";
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
import { AddressClaims } from "./services/address-claims.ts";
import { addressAt, parseIpRange } from "./services/ip-range.ts";
import { parsePortRange } from "./services/port-bitmap.ts";
import { PortClaims } from "./services/port-claims.ts";
import { type Pools, serviceAllocator } from "./services/service-allocator.ts";
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
  /** Of Services' addresses: an IPv4 network. */
  readonly serviceCidr?: string;
  /** Of Services' node ports: "30000-32767". */
  readonly nodePortRange?: string;
}

export interface StoreFinder {
  /** Undefined: the kind is not served. */
  find(ref: Pick<ResourceRef, "group" | "version" | "plural">): ResourceStore | undefined;
}

export interface Stores extends StoreFinder {
  readonly all: readonly ResourceStore[];
  readonly feed: StorageFeed;
  readonly objects: Objects;
  /** Of Services' addresses and ports. */
  readonly pools: Pools;
  /** That of the Service "kubernetes". */
  readonly firstServiceAddress: string;
}

const defaultServiceCidr = "10.96.0.0/12";
const defaultNodePortRange = "30000-32767";

const keyOf = (ref: Pick<ResourceRef, "group" | "version" | "plural">): string =>
  `${apiVersionOf(ref)}/${ref.plural}`;

export function createStores(options: StoresOptions): Stores {
  const { storage, clock, random, logger } = options;
  const feed = new StorageFeed({ storage, clock, logger });
  const byKind = new Map<string, ResourceStore>();
  const finder: StoreFinder = { find: (ref) => byKind.get(keyOf(ref)) };
  const objects = objectsOf(finder);
  const range = parseIpRange(options.serviceCidr ?? defaultServiceCidr);
  const ports = parsePortRange(options.nodePortRange ?? defaultNodePortRange);
  const pools: Pools = {
    addresses: new AddressClaims(range, { storage, clock, random }),
    ports: new PortClaims(ports, storage, random),
  };
  const parts: StoreParts = {
    storage,
    feed,
    clock,
    random,
    admission: new AdmissionChain(options.admission),
    objects,
    allocations: allocationsOf(options.resources, pools),
  };
  const onGarbage = (key: string, error: unknown): void =>
    logger.error({ key, error: chainOf(error) }, "an object in storage cannot be read");
  for (const resource of options.resources) {
    const cache = new ObjectCache(new EntryCodec(resource, decodeForeign, onGarbage));
    feed.add(cache);
    byKind.set(keyOf(resource.ref), new ResourceStore(cache, parts));
  }
  const firstServiceAddress = addressAt(range, 1);
  return { ...finder, all: [...byKind.values()], feed, objects, pools, firstServiceAddress };
}

const allocationsOf = (resources: readonly Resource[], pools: Pools): Allocations =>
  new Map(
    resources
      .filter(({ ref }) => ref.group === "" && ref.plural === "services")
      .map((resource) => [resource, serviceAllocator(pools)]),
  );

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
    withField: <T extends KubeObject>(ref: ResourceRef<T>, field: string, value: string) => {
      const store = stores.find(ref);
      if (store === undefined) return [];
      const position = store.codec.fieldLabels.indexOf(field);
      assert(store.codec.indexedFields.includes(position), `${ref.plural} have no index ${field}`);
      const selection = { ...everythingIn(""), indexed: { field: position, value } };
      return store.cache.select(selection).map((entry) => ({
        namespace: entry.namespace,
        name: entry.name,
        version: entry,
        object: () => store.objectOf(entry) as T,
      }));
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
