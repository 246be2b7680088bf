/** Who owns whom, over all kinds: what the garbage collector knows of the cluster. Pure. */
import type { OwnerReference } from "../../../api/meta/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

/** What matters of an object, whatever its kind. */
export interface Item {
  readonly uid: string;
  readonly ref: ResourceRef;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly isDeleting: boolean;
}

export const itemOf = (ref: ResourceRef, { metadata }: KubeObject): Item => ({
  uid: metadata?.uid ?? "",
  ref,
  namespace: metadata?.namespace ?? "",
  name: metadata?.name ?? "",
  resourceVersion: metadata?.resourceVersion ?? "",
  owners: metadata?.ownerReferences ?? [],
  finalizers: metadata?.finalizers ?? [],
  isDeleting: metadata?.deletionTimestamp !== undefined,
});

/** Being deleted, but only after all that blocks it. */
export const waitsForDependents = ({ isDeleting, finalizers }: Item): boolean =>
  isDeleting && finalizers.includes(foregroundFinalizer);

export const mustOrphan = ({ isDeleting, finalizers }: Item): boolean =>
  isDeleting && finalizers.includes(orphanFinalizer);

export class DependencyGraph {
  readonly #items = new Map<string, Item>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): Item | undefined {
    return this.#items.get(uid);
  }

  dependentsOf(uid: string): readonly Item[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((one) => this.#items.get(one) ?? []);
  }

  put(item: Item): void {
    this.#unlink(this.#items.get(item.uid));
    this.#items.set(item.uid, item);
    for (const { uid } of item.owners) {
      const dependents = this.#dependents.get(uid) ?? new Set<string>();
      this.#dependents.set(uid, dependents.add(item.uid));
    }
  }

  remove(uid: string): void {
    this.#unlink(this.#items.get(uid));
    this.#items.delete(uid);
  }

  #unlink(item: Item | undefined): void {
    for (const { uid } of item?.owners ?? []) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(item?.uid ?? "");
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }
}
