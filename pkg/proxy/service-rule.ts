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
  /** All that answer, also those that get nothing new: what they were sent stays theirs. */
  readonly serving: readonly Target[];
  /** Keeps the client's address: no masquerade on node ports (externalTrafficPolicy: Local). */
  readonly keepsClientAddress: boolean;
  /** sessionAffinity: ClientIP. */
  readonly sticky: boolean;
}

/** Where the traffic begins. */
export interface Place {
  readonly nodeName: string;
  /** Absent: the node's zone is not known. */
  readonly zone?: string;
}

interface Candidate extends Target {
  readonly node: string | undefined;
  /** Whom the endpoint is meant for; empty: for all. */
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
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
          forNodes: (endpoint.hints?.forNodes ?? []).map(({ name }) => name),
          forZones: (endpoint.hints?.forZones ?? []).map(({ name }) => name),
          // KEP-1672: an absent `ready` means ready; an absent `serving` follows it.
          ready: endpoint.conditions?.ready !== false,
          servesWhileTerminating:
            endpoint.conditions?.serving !== false && endpoint.conditions?.terminating === true,
        })),
      );
    });
}

/**
 * Those that are meant for this node, or else for its zone: where all ready ones say whom they are
 * for, and one of them is ready. Else all: a hint must not take a service away.
 */
function nearest(candidates: readonly Candidate[], place: Place): readonly Candidate[] {
  const ready = candidates.filter((one) => one.ready);
  const chosenBy = (
    hints: (one: Candidate) => readonly string[],
    name: string,
  ): readonly Candidate[] =>
    ready.every((one) => hints(one).length > 0)
      ? ready.filter((one) => hints(one).includes(name))
      : [];
  const onNode = chosenBy((one) => one.forNodes, place.nodeName);
  if (onNode.length > 0) return onNode;
  const inZone = place.zone === undefined ? [] : chosenBy((one) => one.forZones, place.zone);
  return inZone.length > 0 ? inZone : candidates;
}

/** Ready ones, or else those that serve while they terminate; without doubles, in a fixed order. */
function chosen(candidates: readonly Candidate[]): readonly Target[] {
  const ready = candidates.filter((one) => one.ready);
  const usable = ready.length > 0 ? ready : candidates.filter((one) => one.servesWhileTerminating);
  const byKey = new Map(usable.map(({ ip, port }) => [`${ip}:${port}`, { ip, port }]));
  return [...byKey.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
}

const bare = ({ ip, port }: Target): Target => ({ ip, port });

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
  place: Place,
): ServiceRule {
  const candidates = candidatesOf(slices, port.name ?? "");
  const local = candidates.filter((one) => one.node === place.nodeName);
  const near = nearest(candidates, place);
  const spec = service.spec ?? {};
  const externalLocal = spec.externalTrafficPolicy === "Local";
  return {
    key: `${service.metadata?.namespace}/${service.metadata?.name}:${port.name ?? ""}`,
    protocol: (port.protocol ?? "TCP").toLowerCase() as Protocol,
    addresses: addressesOf(service),
    port: port.port,
    nodePort: port.nodePort === 0 ? undefined : port.nodePort,
    targets: chosen(spec.internalTrafficPolicy === "Local" ? local : near),
    externalTargets: chosen(externalLocal ? local : near),
    serving: candidates.filter((one) => one.ready || one.servesWhileTerminating).map(bare),
    keepsClientAddress: externalLocal,
    sticky: spec.sessionAffinity === "ClientIP",
  };
}

/** All rules of one service, seen from one place. `slices` are those that name the service. */
export function serviceRules(
  service: Service,
  slices: readonly EndpointSlice[],
  place: Place,
): readonly ServiceRule[] {
  if (!hasClusterIp(service)) return [];
  return (service.spec?.ports ?? []).map((port) => ruleOf(service, port, slices, place));
}
