import type { ObjectMeta } from "./meta/v1.ts";

/** What every object has, whatever its kind. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/**
 * Names one resource of the API, and by its type parameter the kind that it holds.
 * `resources.ts` has one value for every GA resource, generated from upstream's discovery.
 */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceRef[];
  /** Key of the kind's message in the schema: "core.v1.Pod". */
  readonly schema: string;
  /** Hash of the stored version, as discovery tells it. */
  readonly storageVersionHash?: string;
  /** Never set: ties the value to its kind for the compiler. */
  readonly type?: T;
}

export interface SubresourceRef {
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

/** "v1" or "apps/v1", as in apiVersion. */
export const apiVersionOf = (ref: Pick<ResourceRef, "group" | "version">): string =>
  ref.group === "" ? ref.version : `${ref.group}/${ref.version}`;
