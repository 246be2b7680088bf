/**
 * Read your own writes: a controller that acts on a cache older than its own last write would do
 * the same again (two pods for one). Every write through `trackedClient` is remembered under the
 * key being reconciled until the informer of that kind has seen it.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import type { Client, Informer, ResourceClient } from "../client/client.ts";

/** After so long the cache is believed again, whatever it shows: a write may have been undone. */
export const patienceMs = 300_000;

type Seen = () => boolean;

/** Versions are integers, and grow within one resource. */
export const isAtLeast = (resourceVersion: string, wanted: string): boolean =>
  Number(resourceVersion) >= Number(wanted);

export class OwnWrites {
  readonly #clock: Clock;
  readonly #pending = new Map<string, { readonly until: number; readonly seen: Seen }[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(key: string, seen: Seen): void {
    if (seen()) return;
    const until = this.#clock.monotonic() + patienceMs;
    const writes = this.#pending.get(key) ?? [];
    this.#pending.set(key, [...writes, { until, seen }]);
  }

  /** True when the caches show all that was written for the key, or patience has run out. */
  areSeen(key: string): boolean {
    const now = this.#clock.monotonic();
    const left = this.#pending.get(key)?.filter(({ until, seen }) => now < until && !seen()) ?? [];
    if (left.length === 0) this.#pending.delete(key);
    else this.#pending.set(key, left);
    return left.length === 0;
  }
}

export interface Tracking {
  readonly key: string;
  readonly writes: OwnWrites;
  /** The informer through which a kind is read; undefined: it is not, and need not be tracked. */
  readonly informerOf: (ref: ResourceRef) => Informer<KubeObject> | undefined;
}

/** The client, for one reconcile of one key. */
export const trackedClient = (client: Client, tracking: Tracking): Client => ({
  raw: (...args) => client.raw(...args),
  resource: (ref) => {
    const plain = client.resource(ref);
    const informer = tracking.informerOf(ref);
    return informer === undefined ? plain : tracked(plain, informer, tracking);
  },
});

function tracked<T extends KubeObject>(
  plain: ResourceClient<T>,
  informer: Informer<KubeObject>,
  { key, writes }: Tracking,
): ResourceClient<T> {
  const remember = (object: T): T => {
    const wanted = object.metadata?.resourceVersion ?? "";
    writes.remember(key, () => isAtLeast(informer.resourceVersion, wanted));
    return object;
  };
  return {
    ...plain,
    create: async (...args) => remember(await plain.create(...args)),
    update: async (...args) => remember(await plain.update(...args)),
    patch: async (...args) => remember(await plain.patch(...args)),
    delete: async (name, ...args) => {
      const objectKey = name.namespace === undefined ? name.name : `${name.namespace}/${name.name}`;
      const uid = informer.get(objectKey)?.metadata?.uid;
      await plain.delete(name, ...args);
      writes.remember(key, () => {
        const now = informer.get(objectKey)?.metadata;
        return now === undefined || now.uid !== uid || now.deletionTimestamp !== undefined;
      });
    },
  };
}
