import type { Endpoint, EndpointPort, EndpointSlice } from "../../../api/discovery/v1.ts";
import { endpointSlices as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { invalid, required } from "../../machinery/field-error.ts";
import {
  dnsSubdomainComplaints,
  labelValueComplaints,
  qualifiedNameComplaints,
} from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { each, over } from "./absent.ts";
import { isIPv6Family, validateAddress, validateEndpointAddress } from "./addresses.ts";
import { ageColumn, nameColumn, textColumn } from "./columns.ts";
import { shorten } from "./endpoints.ts";
import {
  check,
  checkChoice,
  checkDnsLabel,
  checkLabels,
  checkUnique,
  eachAt,
  type Errors,
  immutable,
  none,
  protocols,
  tooMany,
} from "./rules.ts";

const limits = { endpoints: 1_000, addresses: 100, ports: 20_000, topologyLabels: 16, hints: 8 };

const defaultPort = (port: EndpointPort): EndpointPort =>
  port.name === undefined || port.protocol === undefined
    ? { ...port, name: port.name ?? "", protocol: port.protocol ?? "TCP" }
    : port;

function validateAddressOfType(type: string, address: string, path: string): Errors {
  if (type === "FQDN") return check(path, address, dnsSubdomainComplaints);
  const wrong = validateAddress(path, address);
  if (wrong.length > 0) return wrong;
  const list = path.replace(/\[\d+\]$/, "");
  const family = isIPv6Family(address) ? "IPv6" : "IPv4";
  return [
    ...(family === type ? none : [invalid(list, address, `must be an ${type} address`)]),
    ...validateEndpointAddress(path, address),
  ];
}

function validateHints({ hints }: Endpoint, path: string): Errors {
  const { forZones = [], forNodes = [] } = hints ?? {};
  if (forZones.length > limits.hints)
    return [tooMany(`${path}.forZones`, forZones.length, limits.hints)];
  if (forNodes.length > limits.hints)
    return [tooMany(`${path}.forNodes`, forNodes.length, limits.hints)];
  return [
    ...checkUnique(
      forZones,
      ({ name }) => name,
      (index) => `${path}.forZones[${index}].name`,
    ),
    ...eachAt(`${path}.forZones`, forZones, ({ name }, at) =>
      check(`${at}.name`, name, labelValueComplaints),
    ),
    ...eachAt(`${path}.forNodes`, forNodes, ({ name }, at) =>
      check(`${at}.name`, name, dnsSubdomainComplaints),
    ),
  ];
}

function validateEndpoint(endpoint: Endpoint, path: string, type: string): Errors {
  const { addresses, nodeName, hostname, deprecatedTopology = {} } = endpoint;
  const at = `${path}.addresses`;
  return [
    ...(addresses.length === 0 ? [required(at)] : none),
    ...(addresses.length > limits.addresses
      ? [tooMany(at, addresses.length, limits.addresses)]
      : none),
    ...eachAt(at, addresses, (address, addressAt) =>
      validateAddressOfType(type, address, addressAt),
    ),
    ...(nodeName === undefined
      ? none
      : check(`${path}.nodeName`, nodeName, dnsSubdomainComplaints)),
    ...(Object.keys(deprecatedTopology).length > limits.topologyLabels
      ? [
          tooMany(
            `${path}.deprecatedTopology`,
            Object.keys(deprecatedTopology).length,
            limits.topologyLabels,
          ),
        ]
      : none),
    ...checkLabels(`${path}.deprecatedTopology`, deprecatedTopology),
    ...(hostname === undefined ? none : checkDnsLabel(`${path}.hostname`, hostname)),
    ...validateHints(endpoint, `${path}.hints`),
  ];
}

const validatePort = ({ name = "", protocol, appProtocol }: EndpointPort, path: string): Errors => [
  ...(name === "" ? none : checkDnsLabel(`${path}.name`, name)),
  ...checkChoice(`${path}.protocol`, protocol, protocols),
  ...(appProtocol === undefined
    ? none
    : check(`${path}.appProtocol`, appProtocol, qualifiedNameComplaints)),
];

function validateAll(slice: EndpointSlice): Errors {
  const { addressType, ports = [] } = slice;
  const list = slice.endpoints ?? [];
  return [
    ...checkChoice("addressType", addressType, ["FQDN", "IPv4", "IPv6"]),
    ...(ports.length > limits.ports
      ? [tooMany("ports", ports.length, limits.ports)]
      : [
          ...eachAt("ports", ports, validatePort),
          // Unlike elsewhere the empty name counts: only one port may go without.
          ...checkUnique(
            ports,
            ({ name }) => name || "\0",
            (index) => `ports[${index}].name`,
          ).map((error) => ({ ...error, value: error.value === "\0" ? "" : error.value })),
        ]),
    ...(list.length > limits.endpoints
      ? [tooMany("endpoints", list.length, limits.endpoints)]
      : eachAt("endpoints", list, (one, at) => validateEndpoint(one, at, addressType))),
  ];
}

function validateSlice(slice: EndpointSlice, before: EndpointSlice | undefined): Errors {
  if (before === undefined) return validateAll(slice);
  const errors = validateAll(slice).filter(
    ({ path }) =>
      !path.startsWith("endpoints") || !isSemanticallyEqual(slice.endpoints, before.endpoints),
  );
  if (slice.addressType === before.addressType) return errors;
  return [...errors, immutable("addressType", slice.addressType)];
}

function portsText({ ports = [] }: EndpointSlice): string {
  return shorten(
    ports.map(({ port, name }) => (port === undefined ? (name ?? "*") : String(port))),
  );
}

export const endpointSlices: Resource<EndpointSlice> = {
  ref,
  storagePrefix: "/registry/endpointslices",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn("AddressType", ({ addressType }) => addressType),
    textColumn("Ports", portsText),
    textColumn("Endpoints", (slice) =>
      shorten((slice.endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ),
    ageColumn,
  ],
  defaults: (slice) => over(slice, "ports", each(defaultPort)),
  validate: validateSlice,
  countsGenerations: true,
};
