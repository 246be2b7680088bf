/**
 * Which EndpointSlices a Service's pods make, and which of the present ones change for that: as few
 * as can be, since every change goes to every node. Pure.
 */
import type { Node, Pod, Service } from "../../../api/core/v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../../api/discovery/v1.ts";
import { services } from "../../../api/resources.ts";
import { controllerReference } from "../../controller/owner.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { isPodReady } from "../pod-facts.ts";
import {
  headlessLabel,
  hostnameUnder,
  isHeadless,
  isIPv6,
  isReachable,
  podIps,
  targetPort,
} from "../service-pods.ts";
import { hintsFor } from "./hints.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const managedBy = "endpointslice-controller.k8s.io";

/** As upstream: a change of one endpoint is sent with all others of its slice. */
const endpointsPerSliceMax = 100;

export type Change =
  | { readonly do: "create" | "update"; readonly slice: EndpointSlice }
  | { readonly do: "delete"; readonly slice: EndpointSlice };

export interface Actual {
  /** Pods that the Service selects. */
  readonly pods: readonly Pod[];
  readonly node: (name: string) => Node | undefined;
  /** Those of this Service that this controller made. */
  readonly slices: readonly EndpointSlice[];
}

/** Endpoints that share a family of addresses and all port numbers: they can share a slice. */
interface Group {
  readonly addressType: string;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export function planEndpointSlices(service: Service, actual: Actual): readonly Change[] {
  const changes: Change[] = [];
  const left = new Set(actual.slices);
  for (const group of groupsOf(service, actual)) {
    const own = [...left].filter(
      (slice) =>
        slice.addressType === group.addressType && samePorts(slice.ports ?? [], group.ports),
    );
    for (const slice of own) left.delete(slice);
    changes.push(...planGroup(service, group, own));
  }
  return [...changes, ...[...left].map((slice): Change => ({ do: "delete", slice }))];
}

/** One family after another; a family without endpoints has one empty group, as a placeholder. */
function groupsOf(service: Service, { pods, node }: Actual): readonly Group[] {
  const families = service.spec?.ipFamilies ?? ["IPv4"];
  return families.flatMap((addressType) => {
    const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
    for (const pod of pods) {
      const addresses = podIps(pod).filter((ip) => isIPv6(ip) === (addressType === "IPv6"));
      if (!isReachable(pod) || addresses.length === 0) continue;
      const ports = portsOf(service, pod);
      const key = JSON.stringify(sortedPorts(ports));
      const group = groups.get(key) ?? { ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, addresses, node));
      groups.set(key, group);
    }
    if (groups.size === 0) return [{ addressType, ports: [], endpoints: [] }];
    return [...groups.values()].map((group) => ({ addressType, ...group }));
  });
}

/** Ports that the pod has; a headless Service may have none at all. */
const portsOf = ({ spec }: Service, pod: Pod): readonly EndpointPort[] =>
  (spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    const own = { name, protocol, port: number };
    return [appProtocol === undefined ? own : { ...own, appProtocol }];
  });

function endpointOf(
  service: Service,
  pod: Pod,
  addresses: readonly string[],
  nodeOf: Actual["node"],
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const publishes = service.spec?.publishNotReadyAddresses === true;
  const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
  const nodeName = pod.spec?.nodeName;
  const zone =
    nodeName === undefined
      ? undefined
      : nodeOf(nodeName)?.metadata?.labels?.["topology.kubernetes.io/zone"];
  const hostname = hostnameUnder(pod, service);
  const endpoint: Endpoint = {
    addresses,
    conditions: { ready: publishes || (serving && !terminating), serving, terminating },
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hostname === undefined ? {} : { hostname }),
  };
  return { ...endpoint, ...hintsFor(service, endpoint) };
}

/** Keeps endpoints where they are, fills slices that change anyway, then others, then new ones. */
function planGroup(
  service: Service,
  { addressType, ports, endpoints }: Group,
  slices: readonly EndpointSlice[],
): readonly Change[] {
  const wanted = new Map(endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const drafts = slices.map((before) => {
    const kept: Endpoint[] = [];
    for (const present of before.endpoints ?? []) {
      const endpoint = wanted.get(identity(present));
      if (endpoint === undefined) continue;
      wanted.delete(identity(present));
      kept.push(endpoint);
    }
    return { before, kept, changes: !isSemanticallyEqual(before.endpoints, kept) };
  });
  const homeless = [...wanted.values()];
  // Those that change anyway first, the fullest of them first: fewer and fuller slices.
  const order = drafts.toSorted(
    (one, other) =>
      Number(other.changes) - Number(one.changes) || other.kept.length - one.kept.length,
  );
  for (const draft of order) {
    const room = endpointsPerSliceMax - draft.kept.length;
    const wouldTouch = !draft.changes && homeless.length > room;
    if (!wouldTouch) draft.kept.push(...homeless.splice(0, Math.max(0, room)));
  }
  const full = drafts.filter(({ kept }) => kept.length > 0);
  const survivors = full.length > 0 || homeless.length > 0 ? full : drafts.slice(0, 1);
  const shape = { service, addressType, ports };
  const changes = drafts.flatMap(({ before, kept }, index): readonly Change[] => {
    const draft = drafts[index];
    if (draft === undefined || !survivors.includes(draft)) return [{ do: "delete", slice: before }];
    return updated(before, sliceOf(shape, kept));
  });
  const isMissing = survivors.length === 0 && homeless.length === 0;
  const fresh = isMissing ? [[]] : chunks(homeless, endpointsPerSliceMax);
  return [
    ...changes,
    ...fresh.map((chunk): Change => ({ do: "create", slice: sliceOf(shape, chunk) })),
  ];
}

/** The present slice with the wanted content; nothing when it says the same already. */
function updated(before: EndpointSlice, wanted: EndpointSlice): readonly Change[] {
  const isSame =
    isSemanticallyEqual(before.endpoints, wanted.endpoints) &&
    isSemanticallyEqual(before.metadata?.labels, wanted.metadata?.labels) &&
    samePorts(before.ports ?? [], wanted.ports ?? []);
  if (isSame) return [];
  const { labels = {} } = wanted.metadata ?? {};
  const { endpoints = [] } = wanted;
  return [
    { do: "update", slice: { ...before, metadata: { ...before.metadata, labels }, endpoints } },
  ];
}

interface Shape {
  readonly service: Service;
  readonly addressType: string;
  readonly ports: readonly EndpointPort[];
}

function sliceOf({ service, addressType, ports }: Shape, endpoints: readonly Endpoint[]) {
  const { name = "", namespace = "", labels } = service.metadata ?? {};
  const { [headlessLabel]: _own, ...copied } = labels ?? {};
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: {
        ...copied,
        ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
        [serviceNameLabel]: name,
        [managedByLabel]: managedBy,
      },
      ownerReferences: [controllerReference(services, service)],
    },
    addressType,
    endpoints,
    ports,
  };
}

/** The same pod at the same addresses, whatever its conditions. */
const identity = ({ targetRef, addresses }: Endpoint): string =>
  `${targetRef?.uid ?? ""} ${addresses.join(",")}`;

const sortedPorts = (ports: readonly EndpointPort[]): readonly string[] =>
  ports
    .map(({ name, protocol, port, appProtocol }) =>
      [name ?? "", protocol ?? "TCP", port ?? 0, appProtocol ?? ""].join("/"),
    )
    .sort();

const samePorts = (one: readonly EndpointPort[], other: readonly EndpointPort[]): boolean =>
  isSemanticallyEqual(sortedPorts(one), sortedPorts(other));

const chunks = <T>(items: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
