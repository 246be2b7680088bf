/** Services of what a command line says. Pure. */
import { UsageError } from "../../base/flags.ts";
import type { Generated } from "./config-plan.ts";

export interface ServicePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly targetPort: number | string;
}

const portMax = 65_535;

function portNumber(text: string): number {
  if (!/^\d+$/.test(text))
    throw new UsageError(`strconv.ParseUint: parsing "${text}": invalid syntax`);
  const port = Number(text);
  if (port > portMax)
    throw new UsageError(`strconv.ParseUint: parsing "${text}": value out of range`);
  return port;
}

/** A port's number, or the name that a container gives it. */
function targetOf(text: string): number | string {
  if (/^-?\d+$/.test(text)) {
    const port = Number(text);
    if (port < 1 || port > portMax) throw new UsageError("must be between 1 and 65535, inclusive");
    return port;
  }
  const problems = [
    ...(text.length > 15 ? ["must be no more than 15 characters"] : []),
    ...(/^[a-z0-9-]*$/.test(text)
      ? []
      : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
    ...(/[a-z]/.test(text) ? [] : ["must contain at least one letter (a-z)"]),
    ...(text.includes("--") ? ["must not contain consecutive hyphens"] : []),
    ...(/^-|-$/.test(text) ? ["must not begin or end with a hyphen"] : []),
  ];
  if (problems.length > 0) throw new UsageError(problems.join(","));
  return text;
}

/** "80", "80:8080", "80:http". */
export function parseTcp(word: string): ServicePort {
  const [port = "", target] = word.split(":");
  const number = portNumber(port);
  return {
    name: word.replaceAll(":", "-"),
    port: number,
    protocol: "TCP",
    targetPort: target === undefined || target === "" ? number : targetOf(target),
  };
}

export interface ServiceWanted {
  readonly name: string;
  readonly type: "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName";
  readonly tcp: readonly string[];
  readonly clusterIP?: string | undefined;
  readonly nodePort?: number | undefined;
  readonly externalName?: string | undefined;
}

/** Throws UsageError where ports lack, which only headless and external services do without. */
export function service(wanted: ServiceWanted): Generated {
  const { name, type, tcp, clusterIP, nodePort, externalName } = wanted;
  const needsPort = type !== "ExternalName" && clusterIP !== "None";
  if (tcp.length === 0 && needsPort)
    throw new UsageError("at least one tcp port specifier must be provided");
  const ports = tcp.map((word) => {
    const { name: portName, protocol, port, targetPort } = parseTcp(word);
    const own = { name: portName, protocol, port, targetPort };
    return nodePort === undefined || nodePort === 0 ? own : { ...own, nodePort };
  });
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: { name, labels: { app: name } },
    spec: {
      ...(ports.length === 0 ? {} : { ports }),
      selector: { app: name },
      ...(clusterIP === undefined || clusterIP === "" ? {} : { clusterIP }),
      type,
      ...(externalName === undefined ? {} : { externalName }),
    },
    status: { loadBalancer: {} },
  };
}
