/** What a Service needs of the pools, and what it looks like when it has it. Pure. */
import type { Service, ServicePort, ServiceSpec } from "../../../api/core/v1.ts";

export interface Needs {
  /** Undefined: none, or the one it has; "": any; else this one. */
  readonly address: string | undefined;
  /** Ports of the Service that need any node port, by their index. */
  readonly anyPort: readonly number[];
  /** Node ports asked for by number, and not held yet. */
  readonly ports: readonly number[];
}

const hasNodePorts = ({ type, allocateLoadBalancerNodePorts }: ServiceSpec): boolean =>
  type === "NodePort" || (type === "LoadBalancer" && allocateLoadBalancerNodePorts !== false);

export const addressOf = (service: Service | undefined): string | undefined => {
  const { clusterIP = "", type } = service?.spec ?? {};
  return clusterIP === "" || clusterIP === "None" || type === "ExternalName"
    ? undefined
    : clusterIP;
};

export const nodePortsOf = (service: Service | undefined): readonly number[] => [
  ...new Set((service?.spec?.ports ?? []).flatMap(({ nodePort = 0 }) => nodePort || [])),
];

export function planNeeds(service: Service, before: Service | undefined): Needs {
  const spec = service.spec ?? {};
  const { clusterIP = "", type, ports = [] } = spec;
  const held = new Set(nodePortsOf(before));
  const isNew = clusterIP !== addressOf(before);
  const takesAddress = type !== "ExternalName" && clusterIP !== "None" && isNew;
  return {
    address: takesAddress ? clusterIP : undefined,
    anyPort: hasNodePorts(spec)
      ? ports.flatMap(({ nodePort = 0 }, index) => (nodePort === 0 ? [index] : []))
      : [],
    ports: nodePortsOf(service).filter((port) => !held.has(port)),
  };
}

export interface Given {
  readonly address: string | undefined;
  /** By the index of the Service's port. */
  readonly ports: ReadonlyMap<number, number>;
}

/** The Service with what it was given; families follow from the address. */
export function withGiven(service: Service, given: Given): Service {
  const spec = service.spec ?? {};
  if (spec.type === "ExternalName") return service;
  const address = given.address ?? spec.clusterIP ?? "";
  const ports = spec.ports?.map((port: ServicePort, index) => {
    const nodePort = given.ports.get(index);
    return nodePort === undefined ? port : { ...port, nodePort };
  });
  return {
    ...service,
    spec: {
      ...spec,
      ...(ports === undefined ? {} : { ports }),
      ...(address === "" ? {} : { clusterIP: address, clusterIPs: [address] }),
      ipFamilies: spec.ipFamilies ?? ["IPv4"],
      ipFamilyPolicy: spec.ipFamilyPolicy ?? "SingleStack",
    },
  };
}
