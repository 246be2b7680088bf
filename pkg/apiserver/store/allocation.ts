/** What an object may need of a pool before it is written: addresses and ports of Services. */
import type { KubeObject } from "../../../api/resource.ts";
import type { Resource } from "../resource.ts";
import type { WriteContext } from "./write-context.ts";

export interface Allocation {
  readonly object: KubeObject;
  /** The object was written: what it held before and does not now goes back to the pool. */
  commit(): Promise<void>;
  /** The object was not written: what was taken for it goes back to the pool. */
  undo(): Promise<void>;
}

export interface Allocator {
  /** Claims in storage before the object is written. Throws StatusError when nothing is left. */
  allocate(
    object: KubeObject,
    before: KubeObject | undefined,
    context: WriteContext,
  ): Promise<Allocation>;
  /** The object is gone. */
  release(object: KubeObject): Promise<void>;
}

export type Allocations = ReadonlyMap<Resource, Allocator>;
