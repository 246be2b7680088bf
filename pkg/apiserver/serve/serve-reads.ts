/** GET of an object, of a list, and the watch of one. */
import type { WireResponse } from "../../base/wire.ts";
import type { ApiRequest } from "../api-request.ts";
import { renderingFor } from "../rendering/choose-rendering.ts";
import { notFound } from "../refusals.ts";
import { listObjects, waitFor } from "../store/list.ts";
import {
  parseListOptions,
  parseResourceVersion,
  parseWatchOptions,
} from "../store/list-options.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { selectionOf } from "../store/selection.ts";
import { watchObjects } from "../store/watch.ts";
import { answer } from "./answers.ts";
import { placeOf } from "./place.ts";
import type { Entry } from "../cache/entry.ts";

export async function serveGet(store: ResourceStore, request: ApiRequest): Promise<WireResponse> {
  const rendering = renderingFor(store, request);
  const entry = await readAsAsked(store, request);
  return answer(200, rendering.contentType, rendering.object(entry));
}

/** `resourceVersion` absent: the newest; 0: what the cache has; else at least so new. */
async function readAsAsked(store: ResourceStore, request: ApiRequest): Promise<Entry> {
  const { query, signal } = request;
  const place = placeOf(store, request);
  const version = parseResourceVersion(query.get("resourceVersion"));
  if (version === undefined) return store.readCurrent(place, signal);
  if (version > 0) await waitFor(store, version);
  const entry = store.cache.get(store.codec.keyOf(place.namespace, place.name));
  if (entry === undefined) throw notFound(store.resource.ref, place.name);
  return entry;
}

export async function serveList(store: ResourceStore, request: ApiRequest): Promise<WireResponse> {
  const rendering = renderingFor(store, request);
  const options = parseListOptions(request.query);
  const selection = selectionOf(store.codec, {
    namespace: placeOf(store, request).namespace,
    name: "",
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  });
  const page = await listObjects(store, selection, options, request.signal);
  return answer(200, rendering.contentType, rendering.list(page));
}

export async function serveWatch(store: ResourceStore, request: ApiRequest): Promise<WireResponse> {
  const rendering = renderingFor(store, request);
  const options = parseWatchOptions(request.query);
  const { namespace, name } = placeOf(store, request);
  const { labelSelector, fieldSelector } = options;
  const selection = selectionOf(store.codec, { namespace, name, labelSelector, fieldSelector });
  const { signal } = request.wire;
  const body = await watchObjects(store, selection, { options, rendering, signal });
  return answer(200, rendering.watchContentType, body);
}
