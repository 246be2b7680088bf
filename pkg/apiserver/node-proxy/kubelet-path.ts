/** What of a request for a pod or node goes to which path of which kubelet: pure. */
import type { Node, Pod } from "../../../api/core/v1.ts";
import { badRequest } from "../../machinery/status.ts";
import type { ProxyTarget } from "../connect-contract.ts";

/** Where a kubelet listens. */
export interface KubeletAddress {
  readonly nodeName: string;
  readonly host: string;
  readonly port: number;
}

export const kubeletPort = 10250;

/** As kubeadm sets --kubelet-preferred-address-types: addresses before names. */
const preferredTypes = ["InternalIP", "ExternalIP", "Hostname"];

/** Throws StatusError "BadRequest" where the node's status names no address yet. */
export function kubeletAddress(node: Node): KubeletAddress {
  const nodeName = node.metadata?.name ?? "";
  const addresses = node.status?.addresses ?? [];
  const found = preferredTypes
    .map((type) => addresses.find((address) => address.type === type)?.address)
    .find((address) => address !== undefined && address !== "");
  if (found === undefined) {
    throw badRequest(`no preferred addresses found; known addresses: [] of node ${nodeName}`);
  }
  const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? kubeletPort;
  return { nodeName, host: found, port };
}

const containerNames = ({ spec }: Pod): readonly string[] => [
  ...(spec?.initContainers ?? []).map(({ name }) => name),
  ...(spec?.containers ?? []).map(({ name }) => name),
  ...(spec?.ephemeralContainers ?? []).map(({ name }) => name),
];

/** The container that is meant: the named one, or the only one. Throws StatusError "BadRequest". */
export function chooseContainer(pod: Pod, wanted: string): string {
  const podName = pod.metadata?.name ?? "";
  const names = containerNames(pod);
  if (wanted !== "") {
    if (!names.includes(wanted)) {
      throw badRequest(`container ${wanted} is not valid for pod ${podName}`);
    }
    return wanted;
  }
  const [only, ...others] = pod.spec?.containers ?? [];
  if (only !== undefined && others.length === 0) return only.name;
  const must = `a container name must be specified for pod ${podName}`;
  throw badRequest(only === undefined ? must : `${must}, choose one of: [${names.join(" ")}]`);
}

const isTrue = (query: URLSearchParams, name: string): boolean =>
  ["true", "1", ""].includes(query.get(name) ?? "false");

const path = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join("/")}`;

/**
 * What kubectl asks of a log, in the kubelet's words. Numbers are checked here, as a client's
 * error.
 */
export function logPath(pod: Pod, query: URLSearchParams): string {
  const container = chooseContainer(pod, query.get("container") ?? "");
  const wanted = new URLSearchParams();
  for (const name of ["follow", "previous", "timestamps"]) {
    if (isTrue(query, name)) wanted.set(name, "true");
  }
  for (const [name, min] of [
    ["sinceSeconds", 1],
    ["tailLines", 0],
    ["limitBytes", 1],
  ] as const) {
    const value = query.get(name);
    if (value === null) continue;
    if (!/^\d+$/.test(value) || Number(value) < min) {
      throw badRequest(`${name}: Invalid value: "${value}": must be a number of ${min} or more`);
    }
    wanted.set(name, value);
  }
  const since = query.get("sinceTime");
  if (since !== null) {
    if (wanted.has("sinceSeconds")) {
      throw badRequest("at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
    if (Number.isNaN(Date.parse(since))) throw badRequest(`sinceTime: "${since}" is no time`);
    wanted.set("sinceTime", since);
  }
  const stream = query.get("stream");
  if (stream !== null) wanted.set("stream", stream);
  const { namespace = "", name = "" } = pod.metadata ?? {};
  return withQuery(path("containerLogs", namespace, name, container), wanted);
}

const withQuery = (route: string, query: URLSearchParams): string =>
  query.size === 0 ? route : `${route}?${query.toString()}`;

/** exec, attach and port-forward. */
export function streamPath(
  pod: Pod,
  { subresource, query }: Pick<ProxyTarget, "subresource" | "query">,
): string {
  const { namespace = "", name = "" } = pod.metadata ?? {};
  const wanted = new URLSearchParams();
  if (subresource === "portforward") {
    const ports = query.getAll("ports").flatMap((list) => list.split(","));
    if (ports.length > 0) wanted.set("port", ports.join(","));
    return withQuery(path("portForward", namespace, name), wanted);
  }
  const container = chooseContainer(pod, query.get("container") ?? "");
  for (const [ours, theirs] of [
    ["stdin", "input"],
    ["stdout", "output"],
    ["stderr", "error"],
    ["tty", "tty"],
  ] as const) {
    if (isTrue(query, ours)) wanted.set(theirs, "1");
  }
  if (subresource === "exec") {
    for (const word of query.getAll("command")) wanted.append("command", word);
  }
  return withQuery(path(subresource, namespace, name, container), wanted);
}

export interface NamedTarget {
  readonly scheme: string;
  readonly name: string;
  /** "" when the request names none. */
  readonly port: string;
}

/** "name", "name:port" or "scheme:name:port", as it stands before /proxy. */
export function parseProxyName(text: string): NamedTarget {
  const parts = text.split(":");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return { scheme: "", name: first, port: "" };
  if (parts.length === 2) return { scheme: "", name: first, port: second };
  if (parts.length === 3) return { scheme: first, name: second, port: third };
  throw badRequest(`invalid request "${text}"`);
}
