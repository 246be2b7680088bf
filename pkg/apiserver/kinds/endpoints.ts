import type {
  EndpointAddress,
  EndpointPort,
  Endpoints,
  EndpointSubset,
} from "../../../api/core/v1.ts";
import { endpoints as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { required } from "../../machinery/field-error.ts";
import { dnsSubdomainComplaints, qualifiedNameComplaints } from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { each, fill, inTurn, over } from "./absent.ts";
import { isIPv6Family, validateAddress, validateEndpointAddress } from "./addresses.ts";
import { ageColumn, nameColumn, textColumn } from "./columns.ts";
import {
  check,
  checkChoice,
  checkDnsLabel,
  checkPort,
  checkPortName,
  eachAt,
  type Errors,
  none,
  protocols,
} from "./rules.ts";

/** How many endpoints the table names before it counts. */
const shownMax = 3;

/** "10.0.0.1,10.0.0.2,10.0.0.3 + 2 more..." */
export function shorten(items: readonly string[]): string {
  if (items.length === 0) return "<unset>";
  const shown = items.slice(0, shownMax).join(",");
  return items.length > shownMax ? `${shown} + ${items.length - shownMax} more...` : shown;
}

const hostPort = (ip: string, port: number): string =>
  isIPv6Family(ip) ? `[${ip}]:${port}` : `${ip}:${port}`;

function endpointsText({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return "<none>";
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
  );
  return all.length === 0 ? "" : shorten(all);
}

const validateOne = (address: EndpointAddress, path: string): Errors => [
  ...validateAddress(`${path}.ip`, address.ip),
  ...((address.hostname ?? "") === ""
    ? none
    : checkDnsLabel(`${path}.hostname`, address.hostname ?? "")),
  ...(address.nodeName === undefined
    ? none
    : check(`${path}.nodeName`, address.nodeName, dnsSubdomainComplaints)),
  ...validateEndpointAddress(`${path}.ip`, address.ip),
];

function validatePort(port: EndpointPort, path: string, needsName: boolean): Errors {
  const { name = "", appProtocol } = port;
  return [
    ...checkPortName(`${path}.name`, name, needsName),
    ...checkPort(`${path}.port`, port.port),
    ...checkChoice(`${path}.protocol`, port.protocol, protocols),
    ...(appProtocol === undefined
      ? none
      : check(`${path}.appProtocol`, appProtocol, qualifiedNameComplaints)),
  ];
}

function validateSubset(subset: EndpointSubset, path: string): Errors {
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const isEmpty = addresses.length === 0 && notReadyAddresses.length === 0;
  return [
    ...(isEmpty ? [required(path, "must specify `addresses` or `notReadyAddresses`")] : none),
    ...eachAt(`${path}.addresses`, addresses, validateOne),
    ...eachAt(`${path}.notReadyAddresses`, notReadyAddresses, validateOne),
    ...eachAt(`${path}.ports`, ports, (port, at) => validatePort(port, at, ports.length > 1)),
  ];
}

export const endpoints: Resource<Endpoints> = {
  ref,
  storagePrefix: "/registry/services/endpoints",
  nameRule: "dns-subdomain",
  columns: [nameColumn, textColumn("Endpoints", endpointsText), ageColumn],
  defaults: inTurn((object: Endpoints) =>
    over(
      object,
      "subsets",
      each((subset) =>
        over(
          subset,
          "ports",
          each((port) => fill(port, { protocol: "TCP" })),
        ),
      ),
    ),
  ),
  // What was accepted once is not held against an update that leaves it alone.
  validate: (object, before) =>
    before !== undefined && isSemanticallyEqual(object.subsets, before.subsets)
      ? none
      : eachAt("subsets", object.subsets, validateSubset),
  createsOnUpdate: true,
};
