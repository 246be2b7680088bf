/** POST, PUT, DELETE of objects of one kind. */
import type { DeleteOptions } from "../../../api/meta/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import type { WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { ApiRequest } from "../api-request.ts";
import type { Entry } from "../cache/entry.ts";
import { badRequest } from "../refusals.ts";
import { renderingFor } from "../rendering/choose-rendering.ts";
import { createObject } from "../store/create.ts";
import { type DeleteRequest, deleteObject } from "../store/delete.ts";
import { listObjects } from "../store/list.ts";
import { parseListOptions } from "../store/list-options.ts";
import type { Changed, ResourceStore } from "../store/resource-store.ts";
import { selectionOf } from "../store/selection.ts";
import { objectMode, type UpdateMode, updateObject } from "../store/update.ts";
import type { FieldManager, WriteContext } from "../store/write-context.ts";
import type { ServeVerb } from "./serve-verb.ts";
import { answer, answerJson, success } from "./answers.ts";
import { bytesOf, decodeBody } from "./bodies.ts";
import { placeOf } from "./place.ts";
import { limits } from "../limits.ts";

export function writeContextOf(request: ApiRequest): WriteContext {
  return {
    user: request.user,
    dryRun: isDryRun(request.query.getAll("dryRun")),
    fieldManager: fieldManagerOf(request),
    signal: request.signal,
  };
}

const fieldManagerCharsMax = 128;

/** What ?fieldManager= says; else the name of the client's program. */
function fieldManagerOf(request: ApiRequest): FieldManager {
  const named = request.query.get("fieldManager") ?? "";
  if (named.length > fieldManagerCharsMax) {
    throw badRequest(`fieldManager: may not be more than ${fieldManagerCharsMax} characters`);
  }
  if (named !== "") return { name: named, isNamed: true };
  const [program = ""] = (request.header("user-agent") ?? "").split("/");
  return { name: program === "" ? "unknown" : program, isNamed: false };
}

function isDryRun(values: readonly string[]): boolean {
  const asked = values.filter((value) => value !== "");
  const other = asked.find((value) => value !== "All");
  if (other !== undefined) {
    throw badRequest(`invalid dryRun: ${JSON.stringify(other)}: the only value is "All"`);
  }
  return asked.length > 0;
}

/** The object that a write left behind, in the caller's encoding. */
export function answerEntry(
  store: ResourceStore,
  request: ApiRequest,
  entry: Entry,
  status = 200,
): WireResponse {
  const rendering = renderingFor(store, request);
  const response = answer(status, rendering.contentType, rendering.object(entry));
  if (request.warnings.length === 0) return response;
  return {
    ...response,
    headers: { ...response.headers, warning: warningHeader(request.warnings) },
  };
}

/** RFC 7234 warnings with code 299, as kubectl prints them. */
const warningHeader = (warnings: readonly string[]): string =>
  warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(", ");

export async function serveCreate(
  store: ResourceStore,
  request: ApiRequest,
): Promise<WireResponse> {
  const sent = decodeBody(request, store.resource.ref, store.resource);
  const entry = await createObject(
    store,
    sent,
    placeOf(store, request).namespace,
    writeContextOf(request),
  );
  return answerEntry(store, request, entry, 201);
}

export const serveUpdate: ServeVerb = (store, request) => update(store, request, objectMode);

export const serveUpdateOf =
  (mode: UpdateMode): ServeVerb =>
  (store, request) =>
    update(store, request, mode);

async function update(
  store: ResourceStore,
  request: ApiRequest,
  mode: UpdateMode,
): Promise<WireResponse> {
  const { namespace, name } = placeOf(store, request);
  const sent = decodeBody(request, store.resource.ref, store.resource);
  const context = writeContextOf(request);
  const wanted = (): KubeObject => sent;
  try {
    const { entry } = await updateObject(store, { namespace, name, mode, wanted }, context);
    return answerEntry(store, request, entry);
  } catch (error) {
    const isMissing = error instanceof StatusError && error.reason === "NotFound";
    if (!isMissing || mode !== objectMode || store.resource.createsOnUpdate !== true) throw error;
    const entry = await createObject(store, withName(sent, name), namespace, context);
    return answerEntry(store, request, entry, 201);
  }
}

const withName = (object: KubeObject, name: string): KubeObject =>
  object.metadata?.name === name ? object : { ...object, metadata: { ...object.metadata, name } };

export async function serveDelete(
  store: ResourceStore,
  request: ApiRequest,
): Promise<WireResponse> {
  const { namespace, name } = placeOf(store, request);
  const [asked, context] = readDelete(request);
  const changed = await deleteObject(store, { namespace, name }, asked, context);
  return answerDeleted(store, request, changed);
}

function answerDeleted(
  store: ResourceStore,
  request: ApiRequest,
  { entry, isRemoved }: Changed,
): WireResponse {
  const { ref, returnsDeleted } = store.resource;
  if (!isRemoved || returnsDeleted === true) return answerEntry(store, request, entry);
  const uid = store.objectOf(entry).metadata?.uid;
  const group = ref.group === "" ? {} : { group: ref.group };
  return answerJson(success({ name: entry.name, ...group, kind: ref.plural, uid }));
}

const deleteOptions = {
  group: "",
  version: "v1",
  kind: "DeleteOptions",
  schema: "meta.v1.DeleteOptions",
};

/** Options come in the body, or in the query where there is none. */
function readDelete(request: ApiRequest): readonly [DeleteRequest, WriteContext] {
  const context = writeContextOf(request);
  const { query } = request;
  if (bytesOf(request).length > 0) {
    const { dryRun, ...asked } = decodeBody<DeleteOptions>(request, deleteOptions);
    checkPolicy(asked);
    return [asked, { ...context, dryRun: context.dryRun || isDryRun(dryRun ?? []) }];
  }
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  const asked: DeleteRequest = {
    ...(grace === null || grace === "" ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null || policy === "" ? {} : { propagationPolicy: policy }),
  };
  checkPolicy(asked);
  return [asked, context];
}

const policies: readonly string[] = ["Foreground", "Background", "Orphan"];

function checkPolicy({ propagationPolicy }: DeleteRequest): void {
  if (propagationPolicy === undefined || policies.includes(propagationPolicy)) return;
  throw badRequest(`invalid propagationPolicy: ${JSON.stringify(propagationPolicy)}`);
}

/** Deletes what the selectors choose, a few at a time, and answers with the list of it. */
export async function serveDeleteCollection(
  store: ResourceStore,
  request: ApiRequest,
): Promise<WireResponse> {
  const options = parseListOptions(request.query);
  const [asked, context] = readDelete(request);
  const { labelSelector, fieldSelector } = options;
  const { namespace } = placeOf(store, request);
  const selection = selectionOf(store.codec, { namespace, name: "", labelSelector, fieldSelector });
  const page = await listObjects(store, selection, options, request.signal);
  const left = page.entries.values();
  const work = async (): Promise<void> => {
    for (const entry of left) await deleteListed(store, entry, asked, context);
  };
  await Promise.all(Array.from({ length: limits.deleteCollectionWorkers }, work));
  const rendering = renderingFor(store, request);
  return answer(200, rendering.contentType, rendering.list(page));
}

async function deleteListed(
  store: ResourceStore,
  { namespace, name }: Entry,
  asked: DeleteRequest,
  context: WriteContext,
): Promise<void> {
  try {
    await deleteObject(store, { namespace, name }, asked, context);
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
  }
}
