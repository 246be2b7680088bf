/**
 * From Services and EndpointSlices to what the kernel must know of one service port. Pure.
 * Rules of choice: ready endpoints; when there is none, those that still serve while they
 * terminate (KEP-1669); with a Local traffic policy only those of this node.
 */
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import type { Service, ServicePort } from "../../api/core/v1.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface Target {
  readonly ip: string;
  readonly port: number;
}

/** One port of one service: where it is reached, and where its connections go. */
export interface ServiceRule {
  /** "namespace/name:port" */
  readonly key: string;
  readonly protocol: Protocol;
  /** Cluster IPs, external IPs and load-balancer IPs, reached on `port`. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly nodePort: number | undefined;
  /** Targets of traffic to the cluster IP. */
  readonly targets: readonly Target[];
  /** Targets of traffic from outside (node port, external IPs). */
  readonly externalTargets: readonly Target[];
  /** Keeps the client's address: no masquerade on node ports (externalTrafficPolicy: Local). */
  readonly keepsClientAddress: boolean;
  /** sessionAffinity: ClientIP. */
  readonly sticky: boolean;
}

interface Candidate extends Target {
  readonly node: string | undefined;
  readonly ready: boolean;
  readonly servesWhileTerminating: boolean;
}

const isIpv4 = (address: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(address);

function candidatesOf(slices: readonly EndpointSlice[], portName: string): readonly Candidate[] {
  return slices
    .filter((slice) => slice.addressType === "IPv4")
    .flatMap((slice) => {
      const port = slice.ports?.find((one) => (one.name ?? "") === portName)?.port;
      if (port === undefined) return [];
      return (slice.endpoints ?? []).flatMap((endpoint) =>
        endpoint.addresses.filter(isIpv4).map((ip) => ({
          ip,
          port,
          node: endpoint.nodeName,
          // KEP-1672: an absent `ready` means ready; an absent `serving` follows it.
          ready: endpoint.conditions?.ready !== false,
          servesWhileTerminating:
            endpoint.conditions?.serving !== false && endpoint.conditions?.terminating === true,
        })),
      );
    });
}

/** Ready ones, or else those that serve while they terminate; without doubles, in a fixed order. */
function chosen(candidates: readonly Candidate[]): readonly Target[] {
  const ready = candidates.filter((one) => one.ready);
  const usable = ready.length > 0 ? ready : candidates.filter((one) => one.servesWhileTerminating);
  const byKey = new Map(usable.map(({ ip, port }) => [`${ip}:${port}`, { ip, port }]));
  return [...byKey.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
}

function addressesOf(service: Service): readonly string[] {
  const { clusterIP, clusterIPs, externalIPs } = service.spec ?? {};
  const ingress = service.status?.loadBalancer?.ingress?.flatMap((one) => one.ip ?? []) ?? [];
  const cluster = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return [...new Set([...cluster, ...(externalIPs ?? []), ...ingress])].filter(isIpv4);
}

/** Headless services and ExternalName ones have no address: DNS answers for them, not we. */
export const hasClusterIp = (service: Service): boolean =>
  service.spec?.type !== "ExternalName" &&
  service.spec?.clusterIP !== undefined &&
  service.spec.clusterIP !== "" &&
  service.spec.clusterIP !== "None";

function ruleOf(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServiceRule {
  const candidates = candidatesOf(slices, port.name ?? "");
  const local = candidates.filter((one) => one.node === nodeName);
  const spec = service.spec ?? {};
  const externalLocal = spec.externalTrafficPolicy === "Local";
  return {
    key: `${service.metadata?.namespace}/${service.metadata?.name}:${port.name ?? ""}`,
    protocol: (port.protocol ?? "TCP").toLowerCase() as Protocol,
    addresses: addressesOf(service),
    port: port.port,
    nodePort: port.nodePort === 0 ? undefined : port.nodePort,
    targets: chosen(spec.internalTrafficPolicy === "Local" ? local : candidates),
    externalTargets: chosen(externalLocal ? local : candidates),
    keepsClientAddress: externalLocal,
    sticky: spec.sessionAffinity === "ClientIP",
  };
}

/** All rules of one service, seen from one node. `slices` are those that name the service. */
export function serviceRules(
  service: Service,
  slices: readonly EndpointSlice[],
  nodeName: string,
): readonly ServiceRule[] {
  if (!hasClusterIp(service)) return [];
  return (service.spec?.ports ?? []).map((port) => ruleOf(service, port, slices, nodeName));
}
