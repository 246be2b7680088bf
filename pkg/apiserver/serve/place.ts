/** Where in storage the object of a request is. */
import type { ApiRequest } from "../api-request.ts";
import type { ResourceStore, StoredName } from "../store/resource-store.ts";

/** A namespace's own path names it twice; in storage, cluster-scoped kinds have no namespace. */
export const placeOf = (store: ResourceStore, { info }: ApiRequest): StoredName => ({
  namespace: store.codec.isNamespaced ? info.namespace : "",
  name: info.name,
});
