import type { OwnerReference } from "../../../api/meta/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import type { Client } from "../../client/client.ts";
import { isReason } from "../../machinery/status-error.ts";
import { itemOf, waitsForDependents, type DependencyGraph, type Item } from "./graph.ts";
import { planDependent, planOwner, type OwnerState } from "./plan.ts";

export interface CollectorDoors {
  readonly client: Client;
  readonly graph: DependencyGraph;
  /** The served resource of an owner's apiVersion and kind; undefined: none is known yet. */
  readonly refOf: (owner: OwnerReference) => ResourceRef | undefined;
  /** Has the object looked at soon. */
  readonly enqueue: (uid: string) => void;
}

/** Does what is due about one object. Rejects when it must be tried again. */
export async function collect(
  uid: string,
  doors: CollectorDoors,
  signal: AbortSignal,
): Promise<void> {
  const { graph } = doors;
  const item = graph.get(uid);
  if (item === undefined) return;
  if (item.isDeleting) return collectOwner(item, doors, signal);
  if (item.owners.every((owner) => knownState(owner, item, graph) === "solid")) return;
  const live = await find(item.ref, item, doors.client, signal);
  if (live?.metadata?.uid !== uid) return; // gone: the informer is about to tell
  const fresh = itemOf(item.ref, live);
  const states = new Map<string, OwnerState>();
  for (const owner of fresh.owners)
    states.set(owner.uid, await stateOf(owner, fresh, doors, signal));
  const decision = planDependent(
    fresh,
    (owner) => states.get(owner) ?? "solid",
    graph.dependentsOf(uid).length > 0,
  );
  if (decision.do === "drop-owners") await dropOwners(fresh, decision.uids, doors.client, signal);
  if (decision.do === "delete") {
    const { resourceVersion } = fresh;
    const options = {
      propagationPolicy: decision.propagation,
      preconditions: { uid, resourceVersion },
    };
    await gently(() => doors.client.resource(item.ref).delete(keyOf(item), options, signal));
  }
}

async function collectOwner(item: Item, doors: CollectorDoors, signal: AbortSignal): Promise<void> {
  const decision = planOwner(item, (uid) => doors.graph.dependentsOf(uid));
  if (decision.do === "wait") for (const { uid } of decision.blocking) doors.enqueue(uid);
  if (decision.do !== "finish") return;
  for (const dependent of decision.release)
    await dropOwners(dependent, [item.uid], doors.client, signal);
  const finalizers = item.finalizers.filter((one) => one !== decision.finalizer);
  await patchMetadata(item, { finalizers }, doors.client, signal);
}

/** What the graph says of an owner; undefined: it does not know. */
function knownState(
  owner: OwnerReference,
  dependent: Item,
  graph: DependencyGraph,
): OwnerState | undefined {
  const known = graph.get(owner.uid);
  // A reference that names another kind or reaches into another namespace refers to nothing.
  if (known === undefined || known.ref.kind !== owner.kind || known.name !== owner.name)
    return undefined;
  if (known.ref.namespaced && known.namespace !== dependent.namespace) return undefined;
  return waitsForDependents(known) ? "waiting" : "solid";
}

async function stateOf(
  owner: OwnerReference,
  dependent: Item,
  doors: CollectorDoors,
  signal: AbortSignal,
): Promise<OwnerState> {
  const known = knownState(owner, dependent, doors.graph);
  if (known !== undefined) return known;
  const ref = doors.refOf(owner);
  if (ref === undefined)
    throw new Error(`owner ${owner.kind} ${owner.name}: no served kind of ${owner.apiVersion}`);
  if (ref.namespaced && dependent.namespace === "") return "absent";
  const place = { namespace: dependent.namespace, name: owner.name };
  const live = await find(ref, place, doors.client, signal);
  if (live?.metadata?.uid !== owner.uid) return "absent";
  return waitsForDependents(itemOf(ref, live)) ? "waiting" : "solid";
}

interface Place {
  readonly namespace: string;
  readonly name: string;
}

const keyOf = ({ namespace, name }: Place) => (namespace === "" ? { name } : { namespace, name });

const find = (
  ref: ResourceRef,
  { namespace, name }: Place,
  client: Client,
  signal: AbortSignal,
): Promise<KubeObject | undefined> =>
  client
    .resource(ref)
    .get(ref.namespaced ? { namespace, name } : { name }, signal)
    .catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });

const dropOwners = (
  item: Item,
  uids: readonly string[],
  client: Client,
  signal: AbortSignal,
): Promise<void> => {
  const ownerReferences = item.owners.filter(({ uid }) => !uids.includes(uid));
  if (ownerReferences.length === item.owners.length) return Promise.resolve();
  return patchMetadata(item, { ownerReferences }, client, signal);
};

/** Fails with Conflict when the object has changed since it was looked at. */
const patchMetadata = (
  item: Item,
  change: object,
  client: Client,
  signal: AbortSignal,
): Promise<void> =>
  gently(async () => {
    const { uid, resourceVersion } = item;
    const body = { metadata: { uid, resourceVersion, ...change } };
    await client.resource(item.ref).patch(keyOf(item), { type: "merge", body }, {}, signal);
  });

/** What is gone already is as it should be. */
async function gently(write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
