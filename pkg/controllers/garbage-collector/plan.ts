/** What the garbage collector does about one object, given what is known of its owners. Pure. */
import {
  foregroundFinalizer,
  mustOrphan,
  orphanFinalizer,
  waitsForDependents,
  type Item,
} from "./graph.ts";

/** "waiting": the owner is being deleted and waits for its dependents. */
export type OwnerState = "solid" | "absent" | "waiting";

export type Decision =
  | { readonly do: "keep" }
  | { readonly do: "delete"; readonly propagation: "Orphan" | "Foreground" | "Background" }
  /** The other owners are there: only the references to these go. */
  | { readonly do: "drop-owners"; readonly uids: readonly string[] };

/** Of an object that is not being deleted itself. */
export function planDependent(
  item: Item,
  stateOf: (ownerUid: string) => OwnerState,
  hasDependents: boolean,
): Decision {
  const uidsThat = (state: OwnerState): readonly string[] =>
    item.owners.map(({ uid }) => uid).filter((uid) => stateOf(uid) === state);
  if (item.isDeleting || item.owners.length === 0) return { do: "keep" };
  const [absent, waiting] = [uidsThat("absent"), uidsThat("waiting")];
  if (absent.length + waiting.length === 0) return { do: "keep" };
  if (absent.length + waiting.length < item.owners.length)
    return { do: "drop-owners", uids: [...absent, ...waiting] };
  // An owner that waits wants all below it gone first, not only its own dependents.
  if (waiting.length > 0 && hasDependents) return { do: "delete", propagation: "Foreground" };
  if (item.finalizers.includes(orphanFinalizer)) return { do: "delete", propagation: "Orphan" };
  if (item.finalizers.includes(foregroundFinalizer))
    return { do: "delete", propagation: "Foreground" };
  return { do: "delete", propagation: "Background" };
}

export type OwnerDecision =
  | { readonly do: "nothing" }
  /** These hold up the owner's deletion: each is to be looked at. */
  | { readonly do: "wait"; readonly blocking: readonly Item[] }
  /** References to the owner go from these, then the finalizer. */
  | { readonly do: "finish"; readonly finalizer: string; readonly release: readonly Item[] };

type DependentsOf = (uid: string) => readonly Item[];

/** Those whose reference to the owner says that it may not go before them. */
const blockers = (ownerUid: string, dependents: readonly Item[]): readonly Item[] =>
  dependents.filter(({ owners }) =>
    owners.some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true),
  );

/** Whether `item` waits, itself or through what it waits for, for the object of this uid. */
function waitsFor(item: Item, uid: string, dependentsOf: DependentsOf): boolean {
  const seen = new Set<string>();
  const pending = [item];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    if (seen.has(one.uid) || !waitsForDependents(one)) continue;
    seen.add(one.uid);
    const next = blockers(one.uid, dependentsOf(one.uid));
    if (next.some((dependent) => dependent.uid === uid)) return true;
    pending.push(...next);
  }
  return false;
}

/** Of an object that is being deleted. What waits for it in turn does not hold it up. */
export function planOwner(item: Item, dependentsOf: DependentsOf): OwnerDecision {
  const dependents = dependentsOf(item.uid);
  if (mustOrphan(item)) return { do: "finish", finalizer: orphanFinalizer, release: dependents };
  if (!waitsForDependents(item)) return { do: "nothing" };
  const blocking = blockers(item.uid, dependents).filter(
    (dependent) => !waitsFor(dependent, item.uid, dependentsOf),
  );
  return blocking.length > 0
    ? { do: "wait", blocking }
    : { do: "finish", finalizer: foregroundFinalizer, release: [] };
}
