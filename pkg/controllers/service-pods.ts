/** Which pods stand behind a Service, and at which ports and addresses. Pure. */
import type { Pod, Service, ServicePort } from "../../api/core/v1.ts";
import { keyOf } from "../client/informer-store.ts";
import { matchesMap } from "../machinery/label-selector.ts";
import type { Lookup } from "../controller/controller.ts";
import { services } from "../../api/resources.ts";
import { isPodTerminal } from "./pod-facts.ts";

export const headlessLabel = "service.kubernetes.io/headless";

/** "None": clients get the pods' own addresses. */
export const isHeadless = ({ spec }: Service): boolean =>
  spec?.clusterIP === "None" || (spec?.clusterIP ?? "") === "";

/** False for those whose endpoints somebody else writes. */
export const hasSelector = ({ spec }: Service): boolean =>
  spec?.type !== "ExternalName" && spec?.selector !== undefined;

export const isSelectedBy = (pod: Pod, { spec }: Service): boolean =>
  matchesMap(spec?.selector, pod.metadata?.labels);

/** Keys of the Services that a change of this pod concerns. */
export const servicesOf = (pod: Pod, lookup: Lookup): readonly string[] =>
  lookup
    .informer(services)
    .list(pod.metadata?.namespace)
    .filter((service) => hasSelector(service) && isSelectedBy(pod, service))
    .map(keyOf);

/** Can be reached, or could be until a moment ago: it has an address and has not ended. */
export const isReachable = (pod: Pod): boolean => !isPodTerminal(pod) && podIps(pod).length > 0;

export const podIps = ({ status }: Pod): readonly string[] =>
  status?.podIPs !== undefined && status.podIPs.length > 0
    ? status.podIPs.map(({ ip }) => ip)
    : status?.podIP === undefined || status.podIP === ""
      ? []
      : [status.podIP];

export const isIPv6 = (ip: string): boolean => ip.includes(":");

/** The pod's own name in DNS under a headless Service; undefined when it has none there. */
export const hostnameUnder = ({ spec, metadata }: Pod, service: Service): string | undefined =>
  (spec?.hostname ?? "") !== "" &&
  spec?.subdomain === service.metadata?.name &&
  metadata?.namespace === service.metadata?.namespace
    ? spec?.hostname
    : undefined;

/** The number of the pod's port behind a port of the Service; undefined: it has no such name. */
export function targetPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  const protocol = port.protocol ?? "TCP";
  const sidecars = (pod.spec?.initContainers ?? []).filter(
    ({ restartPolicy }) => restartPolicy === "Always",
  );
  return [...(pod.spec?.containers ?? []), ...sidecars]
    .flatMap(({ ports }) => ports ?? [])
    .find(({ name, protocol: own }) => name === target && (own ?? "TCP") === protocol)
    ?.containerPort;
}
