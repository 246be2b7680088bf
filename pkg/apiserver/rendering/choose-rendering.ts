/** Which encoding a client gets: the first that it accepts and the kind has. */
import type { ApiRequest } from "../api-request.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { jsonRendering } from "./json-rendering.ts";
import type { Rendering } from "./rendering.ts";

const made = new WeakMap<ResourceStore, Rendering>();

export function renderingFor(
  store: ResourceStore,
  _request: ApiRequest,
  _verb: "get" | "list" | "watch",
): Rendering {
  let rendering = made.get(store);
  if (rendering === undefined) made.set(store, (rendering = jsonRendering(store.codec)));
  return rendering;
}
