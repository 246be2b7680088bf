/** Which objects are an owner's own, by its selector and their owner references. Pure. */
import type { LabelSelector } from "../../api/meta/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { isControlledBy } from "../controller/owner.ts";
import { selects } from "./label-selector.ts";

/** A kind that selects what it owns: ReplicaSet, DaemonSet. */
export type Selecting = KubeObject & { readonly spec: { readonly selector: LabelSelector } };

export type Claim<T> =
  /** Nobody's, and selected: it becomes the owner's. */
  | { readonly do: "adopt"; readonly object: T }
  /** The owner's, and no longer selected: it becomes nobody's. */
  | { readonly do: "release"; readonly object: T };

export interface Claims<T> {
  readonly changes: readonly Claim<T>[];
  /** What counts, with what is to be adopted. */
  readonly own: readonly T[];
}

/** `candidates`: what the owner owns, and those of its namespace that nobody owns. */
export function planClaims<T extends KubeObject>(
  owner: Selecting,
  candidates: readonly T[],
): Claims<T> {
  const changes: Claim<T>[] = [];
  const own: T[] = [];
  const isEnding = owner.metadata?.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const isSelected = selects(owner.spec.selector, object.metadata?.labels);
    const isOwn = isControlledBy(object, owner);
    const mayAdopt = !isEnding && object.metadata?.deletionTimestamp === undefined;
    if (isOwn && isSelected) own.push(object);
    else if (isOwn && !isEnding) changes.push({ do: "release", object });
    else if (!isOwn && isSelected && mayAdopt) {
      changes.push({ do: "adopt", object });
      own.push(object);
    }
  }
  return { changes, own };
}
