/** The end of the chain: a request for a kind meets the function that answers it. */
import type { WireResponse } from "../../base/wire.ts";
import type { ApiHandler, ApiRequest } from "../api-request.ts";
import { methodNotSupported } from "../refusals.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { unknownPath } from "../refusals.ts";
import type { Served, ServedKinds } from "./served.ts";
import { serveGet, serveList, serveWatch } from "./serve-reads.ts";
import { serveCreate, serveDelete, serveDeleteCollection, serveUpdate } from "./serve-writes.ts";

export type ServeVerb = (store: ResourceStore, request: ApiRequest) => Promise<WireResponse>;

/** What can be done to objects themselves. */
const verbs: Readonly<Record<string, ServeVerb>> = {
  get: serveGet,
  list: serveList,
  watch: serveWatch,
  create: serveCreate,
  update: serveUpdate,
  delete: serveDelete,
  deletecollection: serveDeleteCollection,
};

/** A subresource's own verbs, by "resource/subresource" with the group behind a dot. */
export type Subresources = (served: Served, subresource: string) => Verbs | undefined;
export type Verbs = Readonly<Record<string, ServeVerb>>;

export const dispatch =
  (kinds: ServedKinds, subresources: Subresources, other: ApiHandler): ApiHandler =>
  (request) => {
    const { info } = request;
    if (!info.resourceRequest) return other(request);
    const served = kinds.find(info.group, info.version, info.resource);
    if (served?.store === undefined) return Promise.reject(unknownPath());
    const { ref, store } = served;
    if (info.subresource === "") checkPlace(served, request);
    const table = info.subresource === "" ? verbs : subresources(served, info.subresource);
    if (table === undefined) return Promise.reject(unknownPath());
    const serve = table[info.verb];
    if (serve === undefined) return Promise.reject(methodNotSupported(ref, info.verb));
    return serve(store, request);
  };

/** A namespaced kind's objects are in a namespace; those of the others are not. */
function checkPlace({ ref }: Served, { info }: ApiRequest): void {
  const isNamed = info.name !== "" || info.verb === "create";
  const isWrong = ref.namespaced
    ? isNamed && info.namespace === ""
    : info.namespace !== "" && ref.plural !== "namespaces";
  if (isWrong) throw unknownPath();
}
