import type { KubeObject } from "../../api/resource.ts";
import type { ReflectedStore } from "./reflector.ts";

/** "namespace/name", or "name" for cluster-scoped objects: how informers and queues name one. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace === undefined || namespace === "" ? (name ?? "") : `${namespace}/${name ?? ""}`;
}

/** The parts of a key. */
export function splitKey(key: string): { readonly namespace?: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export type IndexFunction<T> = (object: T) => readonly string[];
export type Listener<T> = (now: T | undefined, before: T | undefined) => void;

/** The index that every store has: objects by namespace. */
const byNamespace = <T extends KubeObject>(object: T): readonly string[] => [
  object.metadata?.namespace ?? "",
];

interface Index<T> {
  readonly of: IndexFunction<T>;
  readonly values: Map<string, Map<string, T>>;
}

/** Objects of one kind by key and by indexes. Objects are replaced, never changed. */
export class InformerStore<T extends KubeObject> implements ReflectedStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #namespaces: Index<T> = { of: byNamespace, values: new Map() };
  readonly #listeners = new Set<Listener<T>>();
  readonly #transform: ((object: T) => T) | undefined;
  readonly #onProgress = new Set<() => void>();
  #resourceVersion = "";

  constructor(transform?: (object: T) => T) {
    this.#transform = transform;
  }

  /** Version up to which the store is known to be complete; "" before the first list. */
  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined
      ? [...this.#objects.values()]
      : [...(this.#namespaces.values.get(namespace)?.values() ?? [])];
  }

  byIndex(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`no index "${index}" was declared`);
    return [...(found.values.get(value)?.values() ?? [])];
  }

  /** Adds an index, also to a store that has objects already. One name, one function. */
  addIndex(name: string, of: IndexFunction<T>): void {
    const present = this.#indexes.get(name);
    if (present !== undefined && present.of !== of)
      throw new Error(`index "${name}" is declared twice, with different functions`);
    if (present !== undefined) return;
    const index: Index<T> = { of, values: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) fileUnder(index, key, object, undefined);
  }

  onChange(listener: Listener<T>): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Called whenever the version moved, after the listeners of the change itself. */
  onProgress(listener: () => void): Disposable {
    this.#onProgress.add(listener);
    return { [Symbol.dispose]: () => void this.#onProgress.delete(listener) };
  }

  replace(items: readonly T[], resourceVersion: string): void {
    const stale = new Set(this.#objects.keys());
    for (const item of items) {
      const key = keyOf(item);
      stale.delete(key);
      const before = this.#objects.get(key);
      if (before?.metadata?.resourceVersion !== item.metadata?.resourceVersion)
        this.#set(key, this.#transform?.(item) ?? item);
    }
    for (const key of stale) this.#set(key, undefined);
    this.progress(resourceVersion);
  }

  put(object: T, resourceVersion: string): void {
    this.#set(keyOf(object), this.#transform?.(object) ?? object);
    this.progress(resourceVersion);
  }

  remove(object: T, resourceVersion: string): void {
    this.#set(keyOf(object), undefined);
    this.progress(resourceVersion);
  }

  progress(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    for (const listener of this.#onProgress) listener();
  }

  #set(key: string, now: T | undefined): void {
    const before = this.#objects.get(key);
    if (now === undefined && before === undefined) return;
    if (now === undefined) this.#objects.delete(key);
    else this.#objects.set(key, now);
    fileUnder(this.#namespaces, key, now, before);
    for (const index of this.#indexes.values()) fileUnder(index, key, now, before);
    for (const listener of this.#listeners) listener(now, before);
  }
}

function fileUnder<T>(
  { of, values }: Index<T>,
  key: string,
  now: T | undefined,
  before: T | undefined,
): void {
  for (const value of before === undefined ? [] : of(before)) {
    const objects = values.get(value);
    objects?.delete(key);
    if (objects?.size === 0) values.delete(value);
  }
  for (const value of now === undefined ? [] : of(now)) {
    const objects = values.get(value) ?? new Map<string, T>();
    objects.set(key, now as T);
    values.set(value, objects);
  }
}
