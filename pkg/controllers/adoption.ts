/** What controllers that adopt share: objects that nobody manages, and who may want them. Pure. */
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import { keyOf } from "../client/informer-store.ts";
import type { Lookup } from "../controller/controller.ts";
import { controllerOf } from "../controller/owner.ts";
import type { Selecting } from "./claims-plan.ts";
import { selects } from "./label-selector.ts";

/** Name of the index of objects that nobody manages, by namespace. */
export const orphanIndex = "orphans";
export const orphanNamespace = (object: KubeObject): readonly string[] =>
  controllerOf(object) === undefined ? [object.metadata?.namespace ?? ""] : [];

/** An object that nobody manages wakes those of this kind that select it: one may lack it. */
export const wakeAdopters =
  <T extends Selecting>(ref: ResourceRef<T>) =>
  (object: KubeObject, lookup: Lookup): readonly string[] => {
    if (controllerOf(object) !== undefined) return [];
    return lookup
      .informer(ref)
      .list(object.metadata?.namespace)
      .filter(({ spec }) => selects(spec.selector, object.metadata?.labels))
      .map(keyOf);
  };
