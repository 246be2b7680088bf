/** The kinds that this server answers for, found by what a path names. */
import type { ResourceRef } from "../../../api/resource.ts";
import type { Review } from "../connect-contract.ts";
import type { ResourceStore } from "../store/resource-store.ts";

export type Served =
  | { readonly ref: ResourceRef; readonly store: ResourceStore; readonly review?: undefined }
  | { readonly ref: ResourceRef; readonly store?: undefined; readonly review: Review };

const keyOf = (group: string, version: string, plural: string): string =>
  `${group}/${version}/${plural}`;

export class ServedKinds {
  readonly #kinds = new Map<string, Served>();

  constructor(stores: readonly ResourceStore[], reviews: readonly Review[]) {
    for (const store of stores) this.#add({ ref: store.resource.ref, store });
    for (const review of reviews) this.#add({ ref: review.ref, review });
  }

  #add(served: Served): void {
    const { group, version, plural } = served.ref;
    this.#kinds.set(keyOf(group, version, plural), served);
  }

  find(group: string, version: string, plural: string): Served | undefined {
    return this.#kinds.get(keyOf(group, version, plural));
  }

  all(): Iterable<Served> {
    return this.#kinds.values();
  }
}
