import type { Endpoints, Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";
import { mapText, writeHead } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

type ServicePort = NonNullable<NonNullable<Service["spec"]>["ports"]>[number];

const endpointsMax = 3;

/** Ready addresses of one port: "10.0.0.1:80,10.0.0.2:80 + 2 more...". */
function endpointsText(slices: readonly EndpointSlice[], port: ServicePort): string {
  const found = slices.flatMap((slice) =>
    (slice.ports ?? [])
      .filter((one) => (one.name ?? "") === (port.name ?? ""))
      .flatMap((one) =>
        (slice.endpoints ?? [])
          .filter(({ conditions }) => conditions?.ready !== false)
          .flatMap(({ addresses }) => addresses)
          .map((address) =>
            address.includes(":")
              ? `[${address}]:${one.port ?? ""}`
              : `${address}:${one.port ?? ""}`,
          ),
      ),
  );
  const more = found.length > endpointsMax ? ` + ${found.length - endpointsMax} more...` : "";
  return `${found.slice(0, endpointsMax).join(",")}${more}`;
}

function writePorts(out: TabLines, { spec }: Service, slices: readonly EndpointSlice[]): void {
  for (const port of spec?.ports ?? []) {
    const { protocol = "TCP", nodePort = 0 } = port;
    const name = (port.name ?? "") === "" ? "<unset>" : port.name;
    out.line(0, `Port:\t${name}\t${port.port}/${protocol}`);
    const target = port.targetPort ?? 0;
    const isSet = typeof target === "string" ? target !== "" : target > 0;
    out.line(0, `TargetPort:\t${isSet ? target : port.port}/${protocol}`);
    if (nodePort !== 0) out.line(0, `NodePort:\t${name}\t${nodePort}/${protocol}`);
    out.line(0, `Endpoints:\t${endpointsText(slices, port)}`);
  }
}

const listText = (texts: readonly string[] | undefined): string =>
  texts === undefined || texts.length === 0 ? "<none>" : texts.join(",");

/** `slices`: the service's endpoint slices. */
export function describeService(
  service: Service,
  out: TabLines,
  slices: readonly EndpointSlice[],
): void {
  const { spec, status } = service;
  writeHead(out, service);
  out.line(0, `Selector:\t${mapText(spec?.selector)}`);
  out.line(0, `Type:\t${spec?.type ?? ""}`);
  if (spec?.ipFamilyPolicy !== undefined) out.line(0, `IP Family Policy:\t${spec.ipFamilyPolicy}`);
  out.line(0, `IP Families:\t${listText(spec?.ipFamilies)}`);
  out.line(0, `IP:\t${spec?.clusterIP ?? ""}`);
  out.line(0, `IPs:\t${listText(spec?.clusterIPs)}`);
  const optional = (title: string, text: string | undefined): void => {
    if (text !== undefined && text !== "") out.line(0, `${title}:\t${text}`);
  };
  optional("External IPs", spec?.externalIPs?.join(","));
  optional("Desired LoadBalancer IP", spec?.loadBalancerIP);
  optional("External Name", spec?.externalName);
  const ingress = (status?.loadBalancer?.ingress ?? []).map(
    ({ ip = "", hostname = "", ipMode }) =>
      `${ip === "" ? hostname : ip}${ipMode === undefined ? "" : ` (${ipMode})`}`,
  );
  optional("LoadBalancer Ingress", ingress.join(", "));
  writePorts(out, service, slices);
  out.line(0, `Session Affinity:\t${spec?.sessionAffinity ?? ""}`);
  optional("External Traffic Policy", spec?.externalTrafficPolicy);
  optional("Internal Traffic Policy", spec?.internalTrafficPolicy);
  if ((spec?.healthCheckNodePort ?? 0) > 0)
    out.line(0, `HealthCheck NodePort:\t${spec?.healthCheckNodePort}`);
  optional("LoadBalancer Source Ranges", spec?.loadBalancerSourceRanges?.join(","));
  optional("Traffic Distribution", spec?.trafficDistribution);
}

const addressesText = (addresses: readonly { readonly ip: string }[] | undefined): string =>
  listText((addresses ?? []).map(({ ip }) => ip));

export function describeEndpoints(endpoints: Endpoints, out: TabLines): void {
  writeHead(out, endpoints);
  out.line(0, "Subsets:");
  for (const { addresses, notReadyAddresses, ports = [] } of endpoints.subsets ?? []) {
    out.line(1, `Addresses:\t${addressesText(addresses)}`);
    out.line(1, `NotReadyAddresses:\t${addressesText(notReadyAddresses)}`);
    if (ports.length > 0) {
      out.raw("  Ports:\n    Name\tPort\tProtocol\n    ----\t----\t--------\n");
      for (const { name = "", port, protocol = "TCP" } of ports)
        out.line(2, `${name === "" ? "<unset>" : name}\t${port}\t${protocol}`);
    }
    out.raw("\n");
  }
}

type SliceEndpoint = NonNullable<EndpointSlice["endpoints"]>[number];

function writeEndpoint(out: TabLines, endpoint: SliceEndpoint): void {
  const { addresses, conditions, hostname, targetRef, nodeName, zone } = endpoint;
  out.line(1, `- Addresses:\t${addresses.join(",")}`);
  out.line(2, "Conditions:");
  out.line(3, `Ready:\t${conditions?.ready ?? "<unset>"}`);
  out.line(2, `Hostname:\t${hostname ?? "<unset>"}`);
  if (targetRef !== undefined) out.line(2, `TargetRef:\t${targetRef.kind}/${targetRef.name}`);
  out.line(2, `NodeName:\t${nodeName ?? "<unset>"}`);
  out.line(2, `Zone:\t${zone ?? "<unset>"}`);
}

export function describeEndpointSlice(slice: EndpointSlice, out: TabLines): void {
  writeHead(out, slice);
  out.line(0, `AddressType:\t${slice.addressType}`);
  const ports = slice.ports ?? [];
  if (ports.length === 0) out.line(0, "Ports: <unset>");
  else {
    out.raw("Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------\n");
    for (const { name = "", port, protocol = "TCP" } of ports)
      out.line(1, `${name === "" ? "<unset>" : name}\t${port ?? "<unset>"}\t${protocol}`);
  }
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length === 0) return out.line(0, "Endpoints: <none>");
  out.line(0, "Endpoints:");
  for (const endpoint of endpoints) writeEndpoint(out, endpoint);
}
