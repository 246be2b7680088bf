import { Agent as HttpAgent } from "node:http";
import { Agent } from "node:https";
import type { Pod, Service } from "../../../api/core/v1.ts";
import { endpointSlices, pods, services } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { WireBody, WireRequest, WireResponse } from "../../base/wire.ts";
import { badRequest, notFound } from "../../machinery/status.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { UpgradeRequest } from "../../serving/server-contract.ts";
import { dialPlain, dialTls, proxyUpgrade } from "../../serving/upgrade-proxy.ts";
import type { ProxyTarget } from "../connect-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { hostHeader, send } from "./kubelet-https.ts";
import { parseProxyName, type NamedTarget } from "./kubelet-path.ts";
import { PageRewriter, rewriteLink, type ProxiedPlace } from "./rewrite-links.ts";
import { isProxyableHost, proxyPath, withoutCredentials } from "./proxy-request.ts";

/** pods/NAME/proxy and services/NAME/proxy: HTTP to a pod's own address. */
export interface PodProxy {
  respond(request: WireRequest, target: ProxyTarget): Promise<WireResponse>;
  upgrade(request: UpgradeRequest, target: ProxyTarget, signal: AbortSignal): Promise<void>;
}

export interface PodProxyOptions {
  readonly objects: Objects;
  readonly clock: Clock;
  /** Chooses among a service's endpoints. */
  readonly random: Random;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
}

export function podProxy({ objects, clock, random }: PodProxyOptions): PodProxy {
  const agents = {
    plain: new HttpAgent({ keepAlive: true }),
    // Pods have certificates of their own making; upstream's proxy takes them too.
    secure: new Agent({ keepAlive: true, rejectUnauthorized: false }),
  };
  const placeOf = (target: ProxyTarget): Place => {
    const { namespace } = target;
    const named = parseProxyName(target.name);
    const key = { namespace, name: named.name };
    if (target.resource === "pods") {
      const pod = objects.get(pods, key);
      if (pod === undefined) throw notFound({ group: "", name: "pods" }, named.name);
      return podPlace(pod, named);
    }
    const service = objects.get(services, key);
    if (service === undefined) throw notFound({ group: "", name: "services" }, named.name);
    return servicePlace(service, named, objects, random);
  };
  return {
    respond: async (request, target) => {
      const { host, port, isSecure } = placeOf(target);
      const { method, body, signal } = request;
      const [whole = ""] = request.path.split("?");
      const prefix = whole.slice(0, whole.length - target.rest.length);
      const { host: asked = "" } = request.headers;
      // Not compressed, since links in it may have to be changed.
      const { "accept-encoding": _, ...passed } = withoutCredentials(request.headers);
      const headers = { ...passed, ...forwarded(whole, asked) };
      const wanted = { method, path: proxyPath(target), headers, signal };
      const agent = isSecure ? agents.secure : agents.plain;
      const answer = await send(
        { host, port, agent, isSecure, clock },
        { ...wanted, ...(body === undefined ? {} : { body }) },
      ).catch(unreachable);
      return withLinks(answer, { prefix, hosts: [hostHeader(host, port), asked] });
    },
    upgrade: async (upgrade, target) => {
      const { host, port, isSecure } = placeOf(target);
      const dial = isSecure ? dialTls({ host, port }) : dialPlain({ host, port });
      const to = { dial, path: proxyPath(target), host: hostHeader(host, port) };
      return proxyUpgrade(upgrade, to).catch(unreachable);
    },
  };
}

/** Tells the pod how it is seen from outside. */
const forwarded = (path: string, host: string): Readonly<Record<string, string>> => ({
  "x-forwarded-uri": path,
  "x-forwarded-proto": "https",
  ...(host === "" ? {} : { "x-forwarded-host": host }),
});

const isPage = (headers: WireResponse["headers"]): boolean =>
  /^text\/html\s*(?:;|$)/i.test(headers["content-type"] ?? "") &&
  (headers["content-encoding"] ?? "identity") === "identity";

/** The answer with its links led back through the proxy. */
function withLinks(answer: WireResponse, place: ProxiedPlace): WireResponse {
  const { location } = answer.headers;
  if (location !== undefined) {
    return { ...answer, headers: { ...answer.headers, location: rewriteLink(location, place) } };
  }
  if (!isPage(answer.headers)) return answer;
  const { "content-length": _, ...headers } = answer.headers;
  return { ...answer, headers, body: rewritten(answer.body, new PageRewriter(place)) };
}

async function* rewritten(body: WireBody, rewriter: PageRewriter): AsyncGenerator<Uint8Array> {
  // One byte a character, and back: whatever the page's encoding is, its tags are ASCII.
  for await (const piece of body instanceof Uint8Array ? [body] : body) {
    const text = rewriter.write(Buffer.from(piece).toString("latin1"));
    if (text !== "") yield Buffer.from(text, "latin1");
  }
  const last = rewriter.end();
  if (last !== "") yield Buffer.from(last, "latin1");
}

const unreachable = (cause: unknown): never => {
  const message = `error trying to reach service: ${chainOf(cause)}`;
  throw new StatusError("ServiceUnavailable", message, {}, { cause });
};

/** The pod's address, and the port that was named, its first one, or 80. Throws "BadRequest". */
export function podPlace(pod: Pod, { scheme, port }: NamedTarget): Place {
  const host = pod.status?.podIP ?? "";
  const name = pod.metadata?.name ?? "";
  if (host === "") throw badRequest(`pod ${name} does not have an address`);
  if (!isProxyableHost(host)) throw badRequest("address not allowed");
  const ports = (pod.spec?.containers ?? []).flatMap(({ ports: own = [] }) => own);
  const byName = ports.find((one) => one.name === port)?.containerPort;
  const number = port === "" ? (ports[0]?.containerPort ?? 80) : (byName ?? Number(port));
  if (!Number.isInteger(number)) throw badRequest(`pod ${name} has no port "${port}"`);
  return { host, port: number, isSecure: scheme === "https" };
}

/** One of the service's ready endpoints. Throws StatusError. */
export function servicePlace(
  service: Service,
  { scheme, port, name }: NamedTarget,
  objects: Objects,
  random: Random,
): Place {
  const { namespace = "" } = service.metadata ?? {};
  const ports = service.spec?.ports ?? [];
  const wanted =
    port === "" && ports.length === 1
      ? ports[0]
      : ports.find((one) => one.name === port || String(one.port) === port);
  if (wanted === undefined) {
    const message = `no service port "${port}" found for service "${name}"`;
    throw new StatusError("ServiceUnavailable", message);
  }
  const places = objects
    .list(endpointSlices, namespace)
    .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === name)
    .flatMap(({ endpoints = [], ports: slicePorts = [] }) => {
      const number = slicePorts.find((one) => (one.name ?? "") === (wanted.name ?? ""))?.port;
      if (number === undefined) return [];
      return (endpoints ?? [])
        .filter(({ conditions }) => conditions?.ready !== false)
        .flatMap(({ addresses }) => addresses.map((host) => ({ host, port: number })));
    })
    .filter(({ host }) => isProxyableHost(host));
  const chosen = places[Math.floor(random.fraction() * places.length)];
  if (chosen === undefined) {
    const message = `no endpoints available for service "${name}"`;
    throw new StatusError("ServiceUnavailable", message);
  }
  return { ...chosen, isSecure: scheme === "https" };
}
