/** Server-side apply: a PATCH that says what its manager wants, and creates what is not there. */
import type { KubeObject } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import { invalid, required } from "../../machinery/field-error.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { ApiRequest } from "../api-request.ts";
import { badRequest, invalidObject } from "../refusals.ts";
import { createObject } from "../store/create.ts";
import { applyFields, type Recorded } from "../store/managed-fields.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { objectMode, type UpdateMode, updateObject, type Wanted } from "../store/update.ts";
import type { WriteContext } from "../store/write-context.ts";
import { decodeBody, rawBody } from "./bodies.ts";
import { placeOf } from "./place.ts";
import { answerEntry, writeContextOf } from "./serve-writes.ts";
import { isFields } from "../../machinery/fields.ts";

export const applyMediaType = "application/apply-patch+yaml";

const patchOptions = { group: "meta.k8s.io", kind: "PatchOptions" } as const;

/** The manager must name itself: what it leaves out later is taken away by that name. */
function checkedContext(request: ApiRequest): WriteContext {
  const context = writeContextOf(request);
  if (!context.fieldManager.isNamed) {
    const why = "is required for apply patch";
    throw invalidObject(patchOptions, "", [required("fieldManager", why)]);
  }
  return { ...context, isApply: true };
}

function checkedConfig(store: ResourceStore, request: ApiRequest): KubeObject {
  const { ref } = store.resource;
  const decoded = decodeBody<KubeObject>(request, ref);
  const config = onlySent(decoded, rawBody(request)) as KubeObject;
  if ((config.kind ?? "") === "" || (config.apiVersion ?? "") === "") {
    throw badRequest(`invalid object type: apiVersion and kind are required`);
  }
  const { namespace, name } = placeOf(store, request);
  const { name: own = name, namespace: place = namespace } = config.metadata ?? {};
  if (own !== name) {
    throw invalidObject(ref, name, [invalid("metadata.name", own, `must be ${name}`)]);
  }
  if (place !== namespace) {
    throw badRequest(
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
  const metadata = { ...config.metadata, name, ...(namespace === "" ? {} : { namespace }) };
  return { ...config, metadata };
}

/**
 * Decoding fills in the empty structs that Go's objects have; who applies owns only what was sent.
 */
function onlySent(decoded: unknown, sent: unknown): unknown {
  if (Array.isArray(decoded) && Array.isArray(sent)) {
    return decoded.map((item: unknown, index) => onlySent(item, sent[index]));
  }
  if (!isFields(decoded) || !isFields(sent)) return decoded;
  const kept: Record<string, unknown> = {};
  for (const name in decoded) {
    if (Object.hasOwn(sent, name)) kept[name] = onlySent(decoded[name], sent[name]);
  }
  return kept;
}

export async function serveApply(
  store: ResourceStore,
  request: ApiRequest,
  mode: UpdateMode,
): Promise<WireResponse> {
  const context = checkedContext(request);
  const config = checkedConfig(store, request);
  const isForced = request.query.get("force") === "true";
  const { resource, parts } = store;
  const { subresource } = mode;
  const recorded = (): Recorded => ({
    resource,
    subresource,
    context,
    nowMs: parts.clock.now(),
  });
  const defaulted = (object: KubeObject): KubeObject => resource.defaults?.(object) ?? object;
  const wanted: Wanted = (_current, entry) => {
    const live = JSON.parse(entry.json.toString()) as KubeObject;
    return defaulted(applyFields(live, config, isForced, recorded()));
  };
  const target = { ...placeOf(store, request), mode, wanted };
  try {
    const { entry } = await updateObject(store, target, context);
    return answerEntry(store, request, entry);
  } catch (error) {
    if (!isReason(error, "NotFound") || mode !== objectMode) throw error;
    const object = defaulted(applyFields(undefined, config, isForced, recorded()));
    const entry = await createObject(store, object, target.namespace, context);
    return answerEntry(store, request, entry, 201);
  }
}
