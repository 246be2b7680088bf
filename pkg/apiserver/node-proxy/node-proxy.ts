/**
 * The API server's way to its nodes: logs, exec, attach, port-forward, and the proxies of nodes,
 * pods and services. Which kubelet and which path is decided in `kubelet-path.ts`; here the request
 * is passed on. Nobody is authorised here: the request chain has done that.
 */
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import type { Node, Pod } from "../../../api/core/v1.ts";
import { nodes, pods } from "../../../api/resources.ts";
import { isStream, type WireBody, type WireRequest, type WireResponse } from "../../base/wire.ts";
import { badRequest, internalError, notFound, statusFromText } from "../../machinery/status.ts";
import { chainOf } from "../../base/errors.ts";
import { sendOverWebSocket } from "../../serving/accept-websocket-reader.ts";
import type { NodeProxy, ProxyTarget } from "../connect-contract.ts";
import type { ObjectName, Objects } from "../objects-contract.ts";
import { kubeletAddress, logPath, parseProxyName, streamPath } from "./kubelet-path.ts";
import type { KubeletAddress } from "./kubelet-path.ts";
import type { KubeletTransport } from "./kubelet-transport.ts";
import { isProxyableHost, proxyPath, withoutCredentials } from "./proxy-request.ts";
import type { PodProxy } from "./pod-proxy.ts";

export interface NodeProxyOptions {
  readonly objects: Objects;
  readonly kubelets: KubeletTransport;
  /** Absent: pods/proxy and services/proxy are refused. */
  readonly pods?: PodProxy;
}

/** Bytes of a kubelet's error text that are passed on. */
const errorBytesMax = 20_000;

/** From the cache where it is there; what is so new that it is not, is read. */
const finder =
  (objects: Objects) =>
  async <T extends KubeObject>(
    ref: ResourceRef<T>,
    name: ObjectName,
    signal: AbortSignal,
  ): Promise<T> => {
    const found = objects.get(ref, name) ?? (await objects.read(ref, name, signal));
    if (found === undefined) throw notFound({ group: ref.group, name: ref.plural }, name.name);
    return found;
  };

export function nodeProxy({ objects, kubelets, pods: podProxy }: NodeProxyOptions): NodeProxy {
  const find = finder(objects);
  const findPod = ({ namespace, name }: ProxyTarget, signal: AbortSignal): Promise<Pod> =>
    find(pods, { namespace, name }, signal);
  const addressOf = async (nodeName: string, signal: AbortSignal): Promise<KubeletAddress> =>
    kubeletAddress(await find<Node>(nodes, { name: nodeName }, signal));
  /**
   * The kubelet of /nodes/NAME[:PORT]/proxy. Another port than the kubelet's is not ours to open.
   */
  const proxiedNode = async (target: ProxyTarget, signal: AbortSignal): Promise<KubeletAddress> => {
    const { name, port } = parseProxyName(target.name);
    const address = await addressOf(name, signal);
    if (port !== "" && port !== String(address.port)) {
      throw badRequest(`port ${port} of node ${name} is not its kubelet's`);
    }
    if (!isProxyableHost(address.host)) throw badRequest("address not allowed");
    return address;
  };
  const anyPodProxy = (target: ProxyTarget): PodProxy => {
    if (podProxy === undefined) throw badRequest(`${target.resource}/proxy is not served here`);
    return podProxy;
  };

  const readLog = async (target: ProxyTarget, signal: AbortSignal): Promise<WireResponse> => {
    const pod = await findPod(target, signal);
    const path = logPath(pod, target.query);
    const nodeName = pod.spec?.nodeName ?? "";
    if (nodeName === "") return { status: 200, headers: logHeaders, body: new Uint8Array(0) };
    const kubelet = await addressOf(nodeName, signal);
    const wanted = { method: "GET", path, headers: {}, signal };
    return logAnswer(await kubelets.request(kubelet, wanted).catch(unreachable));
  };

  return {
    respond: async (request, target) => {
      const { signal } = request;
      if (target.subresource === "log") return readLog(target, signal);
      if (target.resource !== "nodes") return anyPodProxy(target).respond(request, target);
      const kubelet = await proxiedNode(target, signal);
      return kubelets.request(kubelet, proxied(request, target)).catch(unreachable);
    },
    upgrade: async (upgrade, target) => {
      const gone = new AbortController();
      upgrade.socket.once("close", () => gone.abort());
      if (target.subresource === "log") {
        const { body } = await readLog(target, gone.signal);
        return sendOverWebSocket(upgrade, body);
      }
      if (target.subresource === "proxy" && target.resource !== "nodes") {
        return anyPodProxy(target).upgrade(upgrade, target, gone.signal);
      }
      if (target.resource === "nodes") {
        const kubelet = await proxiedNode(target, gone.signal);
        return kubelets.upgrade(kubelet, upgrade, proxyPath(target)).catch(unreachable);
      }
      const pod = await findPod(target, gone.signal);
      const path = streamPath(pod, target);
      const nodeName = pod.spec?.nodeName ?? "";
      if (nodeName === "") throw badRequest(`pod ${target.name} does not have a host assigned`);
      const kubelet = await addressOf(nodeName, gone.signal);
      return kubelets.upgrade(kubelet, upgrade, path).catch(unreachable);
    },
  };
}

const proxied = (request: WireRequest, target: ProxyTarget): Omit<WireRequest, "peer"> => {
  const { method, body, signal } = request;
  const headers = withoutCredentials(request.headers);
  const path = proxyPath(target);
  return { method, path, headers, signal, ...(body === undefined ? {} : { body }) };
};

const unreachable = (cause: unknown): never => {
  throw internalError(`error dialing backend: ${chainOf(cause)}`, cause);
};

const logHeaders = { "content-type": "text/plain" };

/** A log passes through as it comes; an error becomes a Status with the kubelet's words. */
async function logAnswer({ status, body }: WireResponse): Promise<WireResponse> {
  if (status >= 200 && status < 300) return { status: 200, headers: logHeaders, body };
  throw statusFromText(status, await firstText(body), errorBytesMax);
}

async function firstText(body: WireBody): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const all = isStream(body) ? body : piecesOf(body);
  for await (const piece of all) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes >= errorBytesMax) break;
  }
  return Buffer.concat(pieces).toString("utf8", 0, errorBytesMax);
}

async function* piecesOf(body: Uint8Array | readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* body instanceof Uint8Array ? [body] : body;
}
