import type { Service, ServicePort } from "../../../api/core/v1.ts";

/** Where the API server is found by every pod, whatever its namespace. */
const masterNamespace = "default";
const masterName = "kubernetes";

const hasClusterIP = ({ spec }: Service): boolean =>
  spec?.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";

/** Names of services of the pod's own namespace win over the API server's. */
export function serviceVariables(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const chosen = services.filter(hasClusterIP).filter((service) => {
    const { name, namespace: its } = service.metadata ?? {};
    if (its === masterNamespace && name === masterName) return true;
    return enableServiceLinks && its === namespace;
  });
  for (const service of chosen.toSorted(byOwnNamespaceLast(namespace)))
    for (const [name, value] of variablesOf(service)) variables.set(name, value);
  return variables;
}

const byOwnNamespaceLast =
  (namespace: string) =>
  (a: Service, b: Service): number =>
    Number(a.metadata?.namespace === namespace) - Number(b.metadata?.namespace === namespace);

const variableName = (name: string): string => name.toUpperCase().replaceAll("-", "_");
const hostInUrl = (ip: string): string => (ip.includes(":") ? `[${ip}]` : ip);

function variablesOf({ metadata, spec }: Service): readonly (readonly [string, string])[] {
  const prefix = variableName(metadata?.name ?? "");
  const ip = spec?.clusterIP ?? "";
  const ports = spec?.ports ?? [];
  const [first] = ports;
  if (first === undefined) return [[`${prefix}_SERVICE_HOST`, ip]];
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports
      .filter(({ name }) => name !== undefined && name !== "")
      .map(
        ({ name, port }) =>
          [`${prefix}_SERVICE_PORT_${variableName(name ?? "")}`, String(port)] as const,
      ),
    [`${prefix}_PORT`, urlOf(first, ip)],
    ...ports.flatMap((port) => linkVariables(prefix, ip, port)),
  ];
}

const protocolOf = ({ protocol }: ServicePort): string => (protocol ?? "TCP").toLowerCase();

const urlOf = (port: ServicePort, ip: string): string =>
  `${protocolOf(port)}://${hostInUrl(ip)}:${port.port}`;

/** As Docker's links had them. */
function linkVariables(
  prefix: string,
  ip: string,
  port: ServicePort,
): readonly (readonly [string, string])[] {
  const base = `${prefix}_PORT_${port.port}_${protocolOf(port).toUpperCase()}`;
  return [
    [base, urlOf(port, ip)],
    [`${base}_PROTO`, protocolOf(port)],
    [`${base}_PORT`, String(port.port)],
    [`${base}_ADDR`, ip],
  ];
}
