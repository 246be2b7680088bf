/** Subresources that end at a kubelet or in a pod: the node proxy answers them. */
import { StatusError } from "../../machinery/status-error.ts";
import type { ApiRequest } from "../api-request.ts";
import type { NodeProxy, ProxyTarget } from "../connect-contract.ts";
import { badRequest } from "../refusals.ts";
import type { ServeVerb, Verbs } from "../serve/serve-verb.ts";

const connections: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward", "proxy"]);

export function proxyTargetOf({ info, query, user }: ApiRequest): ProxyTarget {
  const { resource, subresource, namespace, name, rest } = info;
  if (!connections.has(subresource)) {
    throw badRequest(`${resource}/${subresource} is no connection`);
  }
  return {
    resource,
    subresource: subresource as ProxyTarget["subresource"],
    namespace,
    name,
    rest,
    query,
    user,
  };
}

/** …/proxy with the "/" that it lacks, and its query; undefined: it names something behind it. */
function folderOf({ info, wire }: ApiRequest): string | undefined {
  if (info.rest !== "") return undefined;
  const [path = "", ...query] = wire.path.replace(/^\/+/, "/").split("?");
  return [`${path}/`, ...query].join("?");
}

const nothing = new Uint8Array();

const upgradeOnly: ServeVerb = () => Promise.reject(badRequest("Upgrade request required"));

export function connectVerbs(proxy: NodeProxy | undefined): Readonly<Record<string, Verbs>> {
  const respond: ServeVerb = (_store, request) => {
    if (proxy === undefined) {
      const why = "this server has no way to its nodes";
      return Promise.reject(new StatusError("ServiceUnavailable", why));
    }
    return proxy.respond(request.wire, proxyTargetOf(request));
  };
  /** What a page names relative to itself would else lack the last part of the path. */
  const lookAt: ServeVerb = async (store, request) => {
    const folder = folderOf(request);
    return folder === undefined
      ? respond(store, request)
      : { status: 301, headers: { location: folder }, body: nothing };
  };
  const stream: Verbs = { get: upgradeOnly, create: upgradeOnly };
  return {
    log: { get: respond },
    exec: stream,
    attach: stream,
    portforward: stream,
    proxy: {
      get: lookAt,
      create: respond,
      update: respond,
      patch: respond,
      delete: respond,
      head: lookAt,
      options: respond,
    },
  };
}
