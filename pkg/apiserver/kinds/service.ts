import type { Service, ServicePort, ServiceSpec } from "../../../api/core/v1.ts";
import { services as ref } from "../../../api/resources.ts";
import type { Resource } from "../resource.ts";
import { each, fill, fillZero, inTurn, over, withProperty } from "./absent.ts";
import { ageColumn, nameColumn, orNone, textColumn, wide } from "./columns.ts";
import { validateService, validateServiceStatus } from "./service-validation.ts";

const clientIpTimeoutSeconds = 10_800;

const isExternal = ({ type, externalIPs }: ServiceSpec): boolean =>
  type === "LoadBalancer" ||
  type === "NodePort" ||
  (type === "ClusterIP" && (externalIPs?.length ?? 0) > 0);

const defaultPort = (port: ServicePort): ServicePort =>
  fillZero(fill(port, { protocol: "TCP" }), { targetPort: port.port });

function defaultAffinity(spec: ServiceSpec): ServiceSpec {
  if (spec.sessionAffinity !== "ClientIP")
    return spec.sessionAffinity === "None"
      ? withProperty(spec, "sessionAffinityConfig", undefined)
      : spec;
  const { timeoutSeconds } = spec.sessionAffinityConfig?.clientIP ?? {};
  if (timeoutSeconds !== undefined) return spec;
  return {
    ...spec,
    sessionAffinityConfig: { clientIP: { timeoutSeconds: clientIpTimeoutSeconds } },
  };
}

const defaultSpec = inTurn<ServiceSpec>(
  (spec) => fill(spec, { type: "ClusterIP", sessionAffinity: "None" }),
  defaultAffinity,
  (spec) => over(spec, "ports", each(defaultPort)),
  (spec) => (isExternal(spec) ? fill(spec, { externalTrafficPolicy: "Cluster" }) : spec),
  (spec) =>
    spec.type === "ExternalName" ? spec : fill(spec, { internalTrafficPolicy: "Cluster" }),
  (spec) =>
    spec.type === "LoadBalancer" ? fill(spec, { allocateLoadBalancerNodePorts: true }) : spec,
);

function defaultService(service: Service): Service {
  const spec = defaultSpec(service.spec ?? {});
  return spec === service.spec ? service : { ...service, spec };
}

/** clusterIP is the first of clusterIPs: a client may give, change or leave out either. */
function syncAddresses(service: Service, before: Service | undefined): Service {
  const spec = service.spec ?? {};
  const { clusterIP = "", clusterIPs = [] } = spec;
  const [first = ""] = clusterIPs;
  if (clusterIP === first) return service;
  const old = before?.spec?.clusterIP ?? "";
  // Who changed the one meant the other as well; who dropped the one, dropped the address.
  if (clusterIPs.length === 0) return { ...service, spec: { ...spec, clusterIPs: [clusterIP] } };
  if (clusterIP === "" && old === "") return { ...service, spec: { ...spec, clusterIP: first } };
  if (clusterIP === "") return { ...service, spec: { ...spec, clusterIPs: [] } };
  return clusterIP !== old && first === old
    ? { ...service, spec: { ...spec, clusterIPs: [clusterIP, ...clusterIPs.slice(1)] } }
    : service;
}

/** An update that leaves out what was allocated keeps it, while the type still has it. */
function keepAllocated(spec: ServiceSpec, before: ServiceSpec): ServiceSpec {
  const hadAddress = (before.clusterIP ?? "") !== "" && before.clusterIP !== "None";
  const needsAddress = spec.type !== "ExternalName" && before.type !== "ExternalName";
  const kept =
    needsAddress &&
    hadAddress &&
    (spec.clusterIP ?? "") === "" &&
    (spec.clusterIPs ?? []).length === 0
      ? {
          ...spec,
          ...(before.clusterIP === undefined ? {} : { clusterIP: before.clusterIP }),
          ...(before.clusterIPs === undefined ? {} : { clusterIPs: before.clusterIPs }),
        }
      : spec;
  const families = needsAddress
    ? fill(kept, {
        ...(before.ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy: before.ipFamilyPolicy }),
        ...(before.ipFamilies === undefined ? {} : { ipFamilies: before.ipFamilies }),
      })
    : kept;
  return keepNodePorts(families, before);
}

const hasNodePorts = ({ type }: ServiceSpec): boolean =>
  type === "NodePort" || type === "LoadBalancer";

function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): ServiceSpec {
  if (!hasNodePorts(spec) || !hasNodePorts(before)) return spec;
  return over(
    spec,
    "ports",
    each((port) => {
      if ((port.nodePort ?? 0) !== 0) return port;
      const old = before.ports?.find(
        (one) => one.port === port.port && one.protocol === port.protocol,
      );
      const isTaken = spec.ports?.some(({ nodePort }) => nodePort === old?.nodePort) === true;
      return old?.nodePort === undefined || isTaken ? port : { ...port, nodePort: old.nodePort };
    }),
  );
}

/** What belongs to the type that the Service had goes with it, unless the client set it anew. */
function dropOldType(spec: ServiceSpec, before: ServiceSpec): ServiceSpec {
  let next = spec;
  const drop = (...keys: readonly (keyof ServiceSpec)[]): void => {
    for (const key of keys)
      if (JSON.stringify(next[key]) === JSON.stringify(before[key]))
        next = withProperty(next, key, undefined);
  };
  if (spec.type === "ExternalName" && before.type !== "ExternalName")
    drop("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy");
  if (hasNodePorts(before) && !hasNodePorts(spec))
    next = over(
      next,
      "ports",
      each((port) => {
        const old = before.ports?.find(({ port: number }) => number === port.port);
        return old?.nodePort === port.nodePort ? withProperty(port, "nodePort", undefined) : port;
      }),
    );
  if (!isExternal(spec)) drop("externalTrafficPolicy");
  if (spec.type !== "LoadBalancer")
    drop("allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort");
  return next;
}

function prepareForUpdate(service: Service, before: Service): Service {
  const old = before.spec ?? {};
  const spec = keepAllocated(dropOldType(service.spec ?? {}, old), old);
  return syncAddresses({ ...service, spec, status: before.status ?? {} }, before);
}

function loadBalancerText({ status }: Service): string {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const all = ingress.map(({ ip = "", hostname = "" }) => ip || hostname);
  return [...new Set(all)].filter((one) => one !== "").join(",");
}

function externalText(service: Service): string {
  const { type, externalIPs = [], externalName = "" } = service.spec ?? {};
  switch (type) {
    case "ClusterIP":
    case "NodePort":
      return orNone(externalIPs.join(","));
    case "LoadBalancer": {
      const balanced = loadBalancerText(service);
      const all = [...(balanced === "" ? [] : [balanced]), ...externalIPs];
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case "ExternalName":
      return externalName;
    default:
      return "<unknown>";
  }
}

const portText = ({ port, nodePort = 0, protocol = "" }: ServicePort): string =>
  nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

const mapText = (map: Readonly<Record<string, string>> | undefined): string =>
  orNone(
    Object.entries(map ?? {})
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(","),
  );

export const services: Resource<Service> = {
  ref,
  storagePrefix: "/registry/services/specs",
  nameRule: "dns-1035-label",
  columns: [
    nameColumn,
    textColumn("Type", ({ spec }) => spec?.type ?? ""),
    textColumn("Cluster-IP", ({ spec }) => spec?.clusterIPs?.[0] ?? "<none>"),
    textColumn("External-IP", externalText),
    textColumn("Port(s)", ({ spec }) => orNone((spec?.ports ?? []).map(portText).join(","))),
    ageColumn,
    wide(textColumn("Selector", ({ spec }) => mapText(spec?.selector))),
  ],
  fieldLabels: {
    "spec.clusterIP": ({ spec }) => spec?.clusterIP ?? "",
    "spec.type": ({ spec }) => spec?.type ?? "",
  },
  defaults: defaultService,
  prepareForCreate: (service) =>
    syncAddresses({ ...service, status: { loadBalancer: {} } }, undefined),
  prepareForUpdate,
  validate: validateService,
  status: { validate: validateServiceStatus },
  createsOnUpdate: true,
  returnsDeleted: true,
};
