/** A new object: admitted, given its identity, validated, written under a name that is free. */
import type { KubeObject } from "../../../api/resource.ts";
import { required } from "../../machinery/field-error.ts";
import { StorageError } from "../../storage/storage.ts";
import type { Entry } from "../cache/entry.ts";
import { limits } from "../limits.ts";
import { alreadyExists, badRequest, invalidObject } from "../refusals.ts";
import { validateObjectMeta } from "../../machinery/object-meta.ts";
import type { Resource } from "../resource.ts";
import { recordFields } from "./managed-fields.ts";
import { bornMeta } from "./object-meta.ts";
import type { ResourceStore } from "./resource-store.ts";
import type { WriteContext } from "./write-context.ts";

/** The object with the namespace of its request; refuses one that names another. */
export function inNamespace(object: KubeObject, namespace: string): KubeObject {
  const own = object.metadata?.namespace ?? "";
  if (own === namespace) return object;
  if (own !== "") {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** `sent` is decoded and defaulted. */
export async function createObject(
  store: ResourceStore,
  sent: KubeObject,
  namespace: string,
  context: WriteContext,
): Promise<Entry> {
  const { resource } = store;
  const { name = "", generateName = "", resourceVersion = "" } = sent.metadata ?? {};
  if (resourceVersion !== "" && resourceVersion !== "0") {
    throw badRequest("resourceVersion should not be set on objects to be created");
  }
  const admitted = await store.parts.admission.admit({
    ...admissionOf(store, namespace, name, context),
    object: inNamespace(sent, namespace),
  });
  if (name === "" && generateName === "") {
    throw invalidObject(resource.ref, "", [
      required("metadata.name", "name or generateName is required"),
    ]);
  }
  const tries = name === "" ? limits.generateNameAttemptsMax : 1;
  for (let attempt = 1; ; attempt++) {
    const object = born(store, admitted, namespace, context);
    try {
      return await writeNew(store, object, namespace, context);
    } catch (error) {
      if (!(error instanceof StorageError) || error.reason !== "Conflict") throw error;
      if (attempt >= tries) throw alreadyExists(resource.ref, object.metadata?.name ?? "");
    }
  }
}

const admissionOf = (
  store: ResourceStore,
  namespace: string,
  name: string,
  { user, dryRun, signal }: WriteContext,
) => ({
  verb: "create" as const,
  resource: store.resource,
  subresource: "",
  namespace,
  name,
  user,
  dryRun,
  before: undefined,
  objects: store.parts.objects,
  clock: store.parts.clock,
  signal,
});

function born(
  store: ResourceStore,
  sent: KubeObject,
  namespace: string,
  context: WriteContext,
): KubeObject {
  const { resource, parts } = store;
  const metadata = bornMeta(sent.metadata ?? {}, { resource, namespace, ...parts });
  const object = { ...sent, metadata };
  const requested = resource.withRequester?.(object, context.user) ?? object;
  const prepared = resource.prepareForCreate?.(requested) ?? requested;
  if (context.isApply === true) return prepared;
  const nowMs = parts.clock.now();
  return recordFields(prepared, undefined, { resource, subresource: "", context, nowMs });
}

const metadataRuleOf = ({ ref, nameRule }: Resource) => ({
  namespaced: ref.namespaced,
  nameRule,
});

async function writeNew(
  store: ResourceStore,
  object: KubeObject,
  namespace: string,
  context: WriteContext,
): Promise<Entry> {
  const { resource, parts } = store;
  const name = object.metadata?.name ?? "";
  const wrong = [
    ...validateObjectMeta(object.metadata ?? {}, metadataRuleOf(resource)),
    ...(resource.validate?.(object, undefined) ?? []),
  ];
  if (wrong.length > 0) throw invalidObject(resource.ref, name, wrong);
  await parts.admission.validate({ ...admissionOf(store, namespace, name, context), object });
  const allocation = await parts.allocations.get(resource)?.allocate(object, undefined, context);
  try {
    const entry = await store.insert({ namespace, name }, allocation?.object ?? object, context);
    await allocation?.commit();
    return entry;
  } catch (error) {
    await allocation?.undo();
    throw error;
  }
}
