import type { WireResponse } from "../../base/wire.ts";
import type { ApiRequest } from "../api-request.ts";
import type { ResourceStore } from "../store/resource-store.ts";

/** Answers one verb on the objects of one kind, or on one of their subresources. */
export type ServeVerb = (store: ResourceStore, request: ApiRequest) => Promise<WireResponse>;

/** By the verb's name. */
export type Verbs = Readonly<Record<string, ServeVerb>>;
