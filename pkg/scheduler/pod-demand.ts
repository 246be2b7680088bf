import type { Pod } from "../../api/core/v1.ts";
import { isSidecar, podRequests } from "../machinery/pod-requests.ts";

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

const native = new Set(["cpu", "memory", "ephemeral-storage"]);

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
