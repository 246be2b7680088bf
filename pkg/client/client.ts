/**
 * The API from outside: what every component knows of the API server. `connect.ts` makes a Client
 * over a Transport (HTTPS or in-memory); components cannot tell which.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";

export interface ObjectKey {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface WatchOptions extends ListOptions {
  readonly resourceVersion: string;
  /** The server ends the watch after so long. */
  readonly timeoutSeconds?: number;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type Patch =
  | { readonly type: "json"; readonly body: readonly unknown[] }
  | { readonly type: "merge" | "strategic"; readonly body: unknown }
  /** Server-side apply. */
  | {
      readonly type: "apply";
      readonly body: unknown;
      readonly fieldManager: string;
      readonly force?: boolean;
    };

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** One kind, typed. Every method throws StatusError as the server sent it. */
export interface ResourceClient<T extends KubeObject> {
  get(key: ObjectKey, signal?: AbortSignal): Promise<T>;
  list(options?: ListOptions, signal?: AbortSignal): Promise<ObjectList<T>>;
  create(object: T, options?: WriteOptions, signal?: AbortSignal): Promise<T>;
  update(
    object: T,
    options?: WriteOptions & { subresource?: string },
    signal?: AbortSignal,
  ): Promise<T>;
  patch(
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions & { subresource?: string },
    signal?: AbortSignal,
  ): Promise<T>;
  delete(key: ObjectKey, options?: DeleteOptions, signal?: AbortSignal): Promise<void>;
  deleteCollection(options: ListOptions & DeleteOptions, signal?: AbortSignal): Promise<void>;
  /** A POST to a subresource whose body is another kind: binding, token, eviction. */
  createSubresource<B, R>(
    key: ObjectKey,
    subresource: string,
    body: B,
    signal?: AbortSignal,
  ): Promise<R>;
  /** From `resourceVersion` on, until the server ends it; StatusError "Expired" on 410. */
  watch(options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent<T>>;
}

export interface Client {
  resource<T extends KubeObject>(ref: ResourceRef<T>): ResourceClient<T>;
  /** Anything else: discovery, health, OpenAPI. Path begins with "/". Returns the body's bytes. */
  raw(method: string, path: string, body?: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A local, always current copy of one kind (optionally a part of it), fed by list and watch. */
export interface Informer<T extends KubeObject> {
  /** "namespace/name", or "name" when cluster-scoped. Objects are shared: never change them. */
  get(key: string): T | undefined;
  list(namespace?: string): readonly T[];
  /** What an index function, given when the informer was made, filed under `value`. */
  byIndex(index: string, value: string): readonly T[];
  /** Called after the store changed; `before` undefined: added, `now` undefined: deleted. */
  onChange(listener: (now: T | undefined, before: T | undefined) => void): Disposable;
  /** Adds an index to what is there already; the same name must always come with one function. */
  addIndex(name: string, of: (object: T) => readonly string[]): void;
  /** Called whenever `resourceVersion` moved, after `onChange` of the same event. */
  onProgress(listener: () => void): Disposable;
  /** Resolves when the first list is complete. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** Everything up to this version has been seen; "" before the first list. */
  readonly resourceVersion: string;
}

export interface InformerOptions<T> {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexes?: Readonly<Record<string, (object: T) => readonly string[]>>;
  /** Drops what the user of this informer never reads, before it is kept. */
  readonly transform?: (object: T) => T;
}

/** One informer a kind and selection, shared by all that ask; started on first use. */
export interface Informers {
  informer<T extends KubeObject>(ref: ResourceRef<T>, options?: InformerOptions<T>): Informer<T>;
}
