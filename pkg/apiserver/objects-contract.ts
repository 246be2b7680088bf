/**
 * The server's own view of its objects, for the parts of it that decide by them: authenticators,
 * authorisers, admission, the node proxy. `createStores` makes it, before the request chain exists.
 */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";

export interface ObjectName {
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

/** An object of the cache, decoded only when it is asked for. */
export interface Cached<T> {
  readonly namespace: string;
  readonly name: string;
  /** The same as long as the object is: what was found out of it may be kept under this. */
  readonly version: object;
  object(): T;
}

/** Objects are shared with the cache: never change them. Kinds that are not served have none. */
export interface Objects {
  /** From the watch cache: may be a few milliseconds behind the newest write. */
  get<T extends KubeObject>(ref: ResourceRef<T>, name: ObjectName): T | undefined;
  /** From the watch cache, in no order. Absent namespace: all of them. */
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): readonly T[];
  /**
   * From the watch cache, in the order of their keys: those whose field has the value. The field is
   * one that the kind indexes (pods: spec.nodeName). Throws where it does not.
   */
  withField<T extends KubeObject>(
    ref: ResourceRef<T>,
    field: string,
    value: string,
  ): readonly Cached<T>[];
  /** As storage has it now: for decisions that may not rest on a stale copy. */
  read<T extends KubeObject>(
    ref: ResourceRef<T>,
    name: ObjectName,
    signal: AbortSignal,
  ): Promise<T | undefined>;
  /** Grows with every change of the kind: what was computed from it is valid while it stays. */
  changes(ref: ResourceRef): number;
}
