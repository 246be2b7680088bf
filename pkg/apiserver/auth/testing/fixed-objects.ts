import type { KubeObject, ResourceRef } from "../../../../api/resource.ts";
import type { Cached, Objects } from "../../objects-contract.ts";

/** Objects by their resource, for tests of what decides by them. `put` replaces one of its name. */
export class FixedObjects implements Objects {
  readonly #lists = new Map<string, KubeObject[]>();
  readonly #changes = new Map<string, number>();

  put<T extends KubeObject>(ref: ResourceRef<T>, ...objects: readonly T[]): this {
    for (const object of objects) {
      this.remove(ref, object.metadata ?? {});
      this.#lists.get(ref.plural)?.push(object);
    }
    return this;
  }
  remove(ref: ResourceRef, key: { readonly namespace?: string; readonly name?: string }): void {
    const others = (this.#lists.get(ref.plural) ?? []).filter(({ metadata }) => {
      return metadata?.name !== key.name || metadata?.namespace !== key.namespace;
    });
    this.#lists.set(ref.plural, others);
    this.#changes.set(ref.plural, this.changes(ref) + 1);
  }
  get<T extends KubeObject>(
    ref: ResourceRef<T>,
    { namespace, name }: { readonly namespace?: string; readonly name: string },
  ): T | undefined {
    return this.list(ref).find(
      ({ metadata }) => metadata?.name === name && metadata.namespace === namespace,
    );
  }
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): readonly T[] {
    const all = (this.#lists.get(ref.plural) ?? []) as unknown as readonly T[];
    return namespace === undefined
      ? all
      : all.filter(({ metadata }) => metadata?.namespace === namespace);
  }
  withField<T extends KubeObject>(
    ref: ResourceRef<T>,
    field: string,
    value: string,
  ): readonly Cached<T>[] {
    const at = (object: T): unknown =>
      field
        .split(".")
        .reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], object);
    return this.list(ref)
      .filter((object) => at(object) === value)
      .map((object) => {
        const { namespace = "", name = "" } = object.metadata ?? {};
        return { namespace, name, version: object, object: () => object };
      });
  }
  read<T extends KubeObject>(
    ref: ResourceRef<T>,
    name: { readonly namespace?: string; readonly name: string },
  ): Promise<T | undefined> {
    return Promise.resolve(this.get(ref, name));
  }
  changes(ref: ResourceRef): number {
    return this.#changes.get(ref.plural) ?? 0;
  }
}
