/** The Endpoints object of a Service: the older form of its EndpointSlices. Pure. */
import type {
  EndpointAddress,
  EndpointPort,
  EndpointSubset,
  Endpoints,
  Pod,
  Service,
} from "../../../api/core/v1.ts";
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

export const managedByLabel = "endpoints.kubernetes.io/managed-by";
const managedBy = "endpoint-controller";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
/** Beyond this the object would grow past what storage takes; slices have no such limit. */
const addressesMax = 1_000;

export type Change =
  | { readonly do: "create" | "update"; readonly endpoints: Endpoints }
  | { readonly do: "nothing" };

/** `pods`: those that the Service selects. */
export function planEndpoints(
  service: Service,
  pods: readonly Pod[],
  present: Endpoints | undefined,
): Change {
  const all = subsetsOf(service, pods);
  const total = all.reduce((sum, { ready, notReady }) => sum + ready.length + notReady.length, 0);
  const subsets = truncated(all);
  const { name = "", namespace = "", labels } = service.metadata ?? {};
  const { [headlessLabel]: _own, ...copied } = labels ?? {};
  const wantedLabels = {
    ...copied,
    ...(isHeadless(service) ? { [headlessLabel]: "" } : {}),
    [managedByLabel]: managedBy,
  };
  const { [overCapacityAnnotation]: _old, ...others } = present?.metadata?.annotations ?? {};
  const annotations =
    total > addressesMax ? { ...others, [overCapacityAnnotation]: "truncated" } : others;
  if (
    present !== undefined &&
    isSemanticallyEqual(present.subsets, subsets) &&
    isSemanticallyEqual(present.metadata?.labels, wantedLabels) &&
    isSemanticallyEqual(present.metadata?.annotations, annotations)
  )
    return { do: "nothing" };
  const metadata = { ...present?.metadata, name, namespace, labels: wantedLabels, annotations };
  return {
    do: present === undefined ? "create" : "update",
    endpoints: { ...present, metadata, subsets },
  };
}

interface Subset {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

/** Pods that have the same ports make one subset. */
function subsetsOf(service: Service, pods: readonly Pod[]): readonly Subset[] {
  const publishes = service.spec?.publishNotReadyAddresses === true;
  const isIPv6Service = (service.spec?.ipFamilies?.[0] ?? "IPv4") === "IPv6";
  const subsets = new Map<string, Subset>();
  for (const pod of pods.toSorted(byIp)) {
    const ip = podIps(pod).find((one) => isIPv6(one) === isIPv6Service);
    const isEnding = pod.metadata?.deletionTimestamp !== undefined;
    if (ip === undefined || !isReachable(pod) || (isEnding && !publishes)) continue;
    const ports = portsOf(service, pod);
    const needsPorts = (service.spec?.ports ?? []).length > 0 || !isHeadless(service);
    if (ports.length === 0 && needsPorts) continue;
    const key = JSON.stringify(ports);
    const subset = subsets.get(key) ?? { ports, ready: [], notReady: [] };
    subsets.set(key, subset);
    (publishes || isPodReady(pod) ? subset.ready : subset.notReady).push(
      addressOf(service, pod, ip),
    );
  }
  return [...subsets.values()];
}

const byIp = (one: Pod, other: Pod): number =>
  (podIps(one)[0] ?? "") < (podIps(other)[0] ?? "") ? -1 : 1;

function addressOf(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
  const nodeName = pod.spec?.nodeName;
  const hostname = hostnameUnder(pod, service);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

const portsOf = ({ spec }: Service, pod: Pod): readonly EndpointPort[] =>
  (spec?.ports ?? []).flatMap((servicePort) => {
    const port = targetPort(pod, servicePort);
    if (port === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = servicePort;
    return [
      {
        ...(name === "" ? {} : { name }),
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });

/** The first ones, ready before not ready. */
function truncated(subsets: readonly Subset[]): readonly EndpointSubset[] {
  let left = addressesMax;
  const take = (addresses: readonly EndpointAddress[]): readonly EndpointAddress[] => {
    const taken = addresses.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const ready = subsets.map((subset) => take(subset.ready));
  return subsets.flatMap(({ ports, notReady }, index) => {
    const addresses = ready[index] ?? [];
    const notReadyAddresses = take(notReady);
    if (addresses.length === 0 && notReadyAddresses.length === 0) return [];
    return [
      {
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
        ...(ports.length === 0 ? {} : { ports }),
      },
    ];
  });
}
