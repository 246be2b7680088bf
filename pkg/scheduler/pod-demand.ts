import type { Container, Pod } from "../../api/core/v1.ts";
import { quantityMilliValue, quantityValue } from "../machinery/quantity.ts";

/** What a pod takes from a node, in plain numbers: comparing them is all that a filter does. */
export interface PodDemand {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralBytes: number;
  /** Extended and huge-page resources, in whole units. */
  readonly others: ReadonlyMap<string, number>;
  readonly hostPorts: readonly HostPortDemand[];
}

export interface HostPortDemand {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

type Resources = Map<string, number>;

const native = new Set(["cpu", "memory", "ephemeral-storage"]);

/** CPU in thousandths, everything else in whole units. */
function requestsOf(list: Readonly<Record<string, string>> | undefined): Resources {
  const resources: Resources = new Map();
  for (const [name, quantity] of Object.entries(list ?? {})) {
    resources.set(name, name === "cpu" ? quantityMilliValue(quantity) : quantityValue(quantity));
  }
  return resources;
}

function add(into: Resources, from: Resources): Resources {
  for (const [name, value] of from) into.set(name, (into.get(name) ?? 0) + value);
  return into;
}

function raiseTo(into: Resources, least: Resources): Resources {
  for (const [name, value] of least) into.set(name, Math.max(into.get(name) ?? 0, value));
  return into;
}

const isSidecar = (container: Container): boolean => container.restartPolicy === "Always";

/**
 * The most that is needed at any time (KEP-753): all containers and sidecars together, or one init
 * container beside the sidecars that started before it; plus the pod's overhead.
 */
function podRequests(pod: Pod): Resources {
  const spec = pod.spec;
  const together: Resources = new Map();
  const duringInit: Resources = new Map();
  const sidecars: Resources = new Map();
  for (const container of spec?.containers ?? [])
    add(together, requestsOf(container.resources?.requests));
  for (const container of spec?.initContainers ?? []) {
    const own = requestsOf(container.resources?.requests);
    if (isSidecar(container)) raiseTo(duringInit, add(sidecars, own));
    else raiseTo(duringInit, add(own, sidecars));
  }
  // Pod-level requests, where set, stand for the sum (KEP-2837).
  const declared = requestsOf(spec?.resources?.requests);
  const needed = raiseTo(add(together, sidecars), duringInit);
  for (const [name, value] of declared) needed.set(name, value);
  return add(needed, requestsOf(spec?.overhead));
}

const hostPortsOf = (pod: Pod): readonly HostPortDemand[] =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter(isSidecar)]
    .flatMap((container) => container.ports ?? [])
    .filter((port) => (port.hostPort ?? 0) > 0)
    .map(({ protocol, hostIP, hostPort }) => ({
      protocol: protocol ?? "TCP",
      ip: hostIP === undefined || hostIP === "" ? "0.0.0.0" : hostIP,
      port: hostPort ?? 0,
    }));

export function podDemand(pod: Pod): PodDemand {
  const requests = podRequests(pod);
  return {
    cpuMilli: requests.get("cpu") ?? 0,
    memoryBytes: requests.get("memory") ?? 0,
    ephemeralBytes: requests.get("ephemeral-storage") ?? 0,
    others: new Map([...requests].filter(([name, value]) => !native.has(name) && value > 0)),
    hostPorts: hostPortsOf(pod),
  };
}
