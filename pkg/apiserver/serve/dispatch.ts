/** The end of the chain: a request for a kind meets the function that answers it. */
import type { ApiHandler, ApiRequest } from "../api-request.ts";
import { methodNotSupported, unknownPath } from "../refusals.ts";
import type { Served, ServedKinds } from "./served.ts";

/** `other` answers the paths that are not resources. */
export const dispatch =
  (kinds: ServedKinds, other: ApiHandler): ApiHandler =>
  (request) => {
    const { info } = request;
    if (!info.resourceRequest) return other(request);
    const served = kinds.find(info.group, info.version, info.resource);
    if (served === undefined || !isInPlace(served, request)) return Promise.reject(unknownPath());
    const answers =
      info.subresource === "" ? served.answers : served.subresources.get(info.subresource);
    if (answers === undefined) return Promise.reject(unknownPath());
    const answer = answers[info.verb];
    return answer === undefined
      ? Promise.reject(methodNotSupported(served.ref, info.verb))
      : answer(request);
  };

/** A namespaced kind's objects are in a namespace; those of the others are not. */
function isInPlace({ ref }: Served, { info }: ApiRequest): boolean {
  const isNamed = info.name !== "" || info.verb === "create";
  if (ref.namespaced) return !isNamed || info.namespace !== "";
  return info.namespace === "" || ref.plural === "namespaces";
}
