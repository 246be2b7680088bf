/** A changed object: what the client sent, made to agree with what only the server may change. */
import type { KubeObject } from "../../../api/resource.ts";
import { type FieldError, invalid } from "../../machinery/field-error.ts";
import type { Admission } from "../admission/admission.ts";
import type { Entry } from "../cache/entry.ts";
import { badRequest, conflict, invalidObject } from "../refusals.ts";
import type { Resource } from "../resource.ts";
import type { Allocation } from "./allocation.ts";
import { isFinished } from "./deletion-plan.ts";
import { validateObjectMetaUpdate } from "../../machinery/object-meta.ts";
import { recordFields } from "./managed-fields.ts";
import { keptMeta, specChanged } from "./object-meta.ts";
import type { Change, Changed, ResourceStore, StoredName } from "./resource-store.ts";
import type { WriteContext } from "./write-context.ts";

/** What a client wants of the object as it is: the body of a PUT, or that plus a patch. */
export type Wanted = (current: KubeObject, entry: Entry) => KubeObject | Promise<KubeObject>;

/** What a write through the object itself, or through one of its subresources, may change. */
export interface UpdateMode {
  /** "" for the object itself. */
  readonly subresource: string;
  /** True: what changes is nobody's wish of the object, and no new generation of it. */
  readonly keepsGeneration?: true;
  /** What is sent, without what may not be changed this way. */
  readonly prepare: (
    resource: Resource,
    sent: KubeObject,
    current: KubeObject,
    nowMs: number,
  ) => KubeObject;
  readonly validate: (
    resource: Resource,
    object: KubeObject,
    current: KubeObject,
  ) => readonly FieldError[];
}

export interface UpdateRequest extends StoredName {
  readonly mode: UpdateMode;
  /** Decoded and defaulted. */
  readonly wanted: Wanted;
}

export async function updateObject(
  store: ResourceStore,
  request: UpdateRequest,
  context: WriteContext,
): Promise<Changed> {
  let allocation: Allocation | undefined;
  try {
    const changed = await store.change(request, context, async (current, entry) => {
      await allocation?.undo();
      allocation = undefined;
      const sent = await request.wanted(current, entry);
      checkIdentity(store.resource, request, sent, { entry, current });
      const change = await planUpdate(store, request, context, { sent, current });
      const allocator = store.parts.allocations.get(store.resource);
      if (change.do !== "write" || allocator === undefined) return change;
      allocation = await allocator.allocate(change.object, current, context);
      return { do: "write", object: allocation.object };
    });
    await allocation?.commit();
    if (changed.isRemoved) await afterRemoval(store, changed.entry, context);
    return changed;
  } catch (error) {
    await allocation?.undo();
    throw error;
  }
}

/** Gives back what the object held. */
export async function afterRemoval(
  store: ResourceStore,
  entry: Entry,
  context: WriteContext,
): Promise<void> {
  if (context.dryRun) return;
  await store.parts.allocations.get(store.resource)?.release(store.objectOf(entry));
}

function checkIdentity(
  { ref, needsVersionOnUpdate }: Resource,
  { name, namespace }: StoredName,
  sent: KubeObject,
  { entry, current }: { readonly entry: Entry; readonly current: KubeObject },
): void {
  const metadata = sent.metadata ?? {};
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  if ((metadata.namespace ?? namespace) !== namespace) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  const { resourceVersion = "", uid = "" } = metadata;
  if (resourceVersion !== "" && resourceVersion !== "0") {
    if (resourceVersion !== String(entry.revision)) throw conflict(ref, name);
  } else if (needsVersionOnUpdate === true) {
    throw invalidObject(ref, name, [
      invalid("metadata.resourceVersion", 0, "must be specified for an update"),
    ]);
  }
  const own = current.metadata?.uid ?? "";
  if (uid !== "" && uid !== own) {
    throw conflict(
      ref,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${own}`,
    );
  }
}

interface Both {
  readonly sent: KubeObject;
  readonly current: KubeObject;
}

async function planUpdate(
  store: ResourceStore,
  request: UpdateRequest,
  context: WriteContext,
  { sent, current }: Both,
): Promise<Change> {
  const { resource, parts } = store;
  const { namespace, name, mode } = request;
  const { subresource } = mode;
  const admission: Admission = {
    verb: "update",
    resource,
    subresource,
    namespace,
    name,
    user: context.user,
    dryRun: context.dryRun,
    object: kept(sent, current),
    before: current,
    objects: parts.objects,
    clock: parts.clock,
    signal: context.signal,
  };
  const admitted = await parts.admission.admit(admission);
  const nowMs = parts.clock.now();
  const prepared = mode.prepare(resource, admitted, current, nowMs);
  const recorded =
    context.isApply === true
      ? withManagedFields(prepared, admitted)
      : recordFields(prepared, current, { resource, subresource, context, nowMs });
  const object = mode.keepsGeneration === true ? recorded : counted(resource, recorded, current);
  const wrong = [
    ...validateObjectMetaUpdate(object.metadata ?? {}, current.metadata ?? {}),
    ...mode.validate(resource, object, current),
  ];
  if (wrong.length > 0) throw invalidObject(resource.ref, name, wrong);
  await parts.admission.validate({ ...admission, object });
  return isFinished(resource, object) ? { do: "remove" } : { do: "write", object };
}

const kept = (sent: KubeObject, current: KubeObject): KubeObject => ({
  ...sent,
  metadata: keptMeta(sent.metadata ?? {}, current.metadata ?? {}),
});

/** What was applied through a part of the object is recorded in the whole. */
function withManagedFields(object: KubeObject, applied: KubeObject): KubeObject {
  const { managedFields } = applied.metadata ?? {};
  if (managedFields === undefined || object === applied) return object;
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

const statusOf = (object: KubeObject): unknown => (object as { readonly status?: unknown }).status;

/** A kind with /status keeps its status on a write of anything else. */
function keepStatus(resource: Resource, object: KubeObject, current: KubeObject): KubeObject {
  const status = resource.status === undefined ? statusOf(object) : statusOf(current);
  const own = statusOf(object) === status ? object : withStatus(object, status);
  return resource.prepareForUpdate?.(own, current) ?? own;
}

/**
 * A write of the status leaves the spec, and whatever else the object holds, as it is; labels and
 * annotations go with it, as upstream has it for every built-in kind that does not say otherwise.
 */
function keepAllButStatus(
  resource: Resource,
  object: KubeObject,
  current: KubeObject,
  nowMs: number,
): KubeObject {
  const { metadata = {} } = object;
  const own = withStatus({ ...current, metadata }, statusOf(object));
  return resource.status?.prepareForUpdate?.(own, current, nowMs) ?? own;
}

export function withStatus(object: KubeObject, status: unknown): KubeObject {
  if (status !== undefined) return { ...object, status } as KubeObject;
  const { status: _dropped, ...rest } = object as KubeObject & { readonly status?: unknown };
  return rest;
}

function counted(resource: Resource, object: KubeObject, current: KubeObject): KubeObject {
  if (resource.countsGenerations !== true || !specChanged(object, current)) return object;
  const generation = (current.metadata?.generation ?? 0) + 1;
  return { ...object, metadata: { ...object.metadata, generation } };
}

export const objectMode: UpdateMode = {
  subresource: "",
  prepare: keepStatus,
  validate: (resource, object, current) => resource.validate?.(object, current) ?? [],
};

export const statusMode: UpdateMode = {
  subresource: "status",
  prepare: keepAllButStatus,
  validate: (resource, object, current) => resource.status?.validate?.(object, current) ?? [],
};
