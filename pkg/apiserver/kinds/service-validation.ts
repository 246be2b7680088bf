/**
 * What is wrong with a Service, in upstream's words. Addresses and node ports that are not set are
 * given out after this, so that their absence is no error here.
 */
import type { Service, ServicePort, ServiceSpec } from "../../../api/core/v1.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { duplicate, forbidden, invalid, required } from "../../machinery/field-error.ts";
import { dnsSubdomainComplaints, qualifiedNameComplaints } from "../../machinery/names.ts";
import {
  isDualStack,
  isIPv6Family,
  validateAddress,
  validateCidr,
  validateEndpointAddress,
} from "./addresses.ts";
import {
  check,
  checkChoice,
  checkLabels,
  checkOptional,
  checkPort,
  checkPortName,
  checkPortOrName,
  eachAt,
  type Errors,
  none,
  protocols,
} from "./rules.ts";

const affinitySecondsMax = 86_400;
const headless = "None";
const isHeadless = ({ clusterIPs }: ServiceSpec): boolean =>
  clusterIPs?.length === 1 && clusterIPs[0] === headless;

function validatePort(port: ServicePort, path: string, needsName: boolean): Errors {
  const { name = "", appProtocol, targetPort = 0 } = port;
  return [
    ...checkPortName(`${path}.name`, name, needsName),
    ...checkPort(`${path}.port`, port.port ?? 0),
    ...checkChoice(`${path}.protocol`, port.protocol, protocols),
    ...checkPortOrName(`${path}.targetPort`, targetPort),
    ...(appProtocol === undefined
      ? none
      : check(`${path}.appProtocol`, appProtocol, qualifiedNameComplaints)),
  ];
}

/** Names, ports and node ports, each only once; ports may share a number across protocols. */
function validateRepetition(ports: readonly ServicePort[]): Errors {
  const seen = new Set<string>();
  const isTaken = (id: string): boolean => {
    const taken = seen.has(id);
    seen.add(id);
    return taken;
  };
  return eachAt("spec.ports", ports, (one, path) => {
    const { name = "", port, protocol = "", nodePort = 0 } = one;
    return [
      ...(name !== "" && isTaken(`name ${name}`) ? [duplicate(`${path}.name`, name)] : none),
      ...(nodePort !== 0 && isTaken(`node ${protocol} ${nodePort}`)
        ? [duplicate(`${path}.nodePort`, nodePort)]
        : none),
      ...(isTaken(`port ${protocol} ${port}`) ? [duplicate(path, { port, protocol })] : none),
    ];
  });
}

function validatePorts(spec: ServiceSpec): Errors {
  const { ports = [], type } = spec;
  const isNeeded = !isHeadless(spec) && type !== "ExternalName";
  const why = "may not be used when `type` is 'ClusterIP'";
  return [
    ...(ports.length === 0 && isNeeded ? [required("spec.ports")] : none),
    ...eachAt("spec.ports", ports, (port, path) => validatePort(port, path, ports.length > 1)),
    ...validateRepetition(ports),
    ...(type === "ClusterIP"
      ? eachAt("spec.ports", ports, ({ nodePort = 0 }, path) =>
          nodePort === 0 ? none : [forbidden(`${path}.nodePort`, why)],
        )
      : none),
  ];
}

function validateExternalName(spec: ServiceSpec): Errors {
  const why = "may not be set for ExternalName services";
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  return [
    ...((spec.clusterIPs?.length ?? 0) > 0 ? [forbidden("spec.clusterIPs", why)] : none),
    ...((spec.ipFamilies?.length ?? 0) > 0 ? [forbidden("spec.ipFamilies", why)] : none),
    ...(spec.ipFamilyPolicy === undefined ? none : [forbidden("spec.ipFamilyPolicy", why)]),
    ...(name === ""
      ? [required("spec.externalName")]
      : check("spec.externalName", name, dnsSubdomainComplaints)),
  ];
}

function validateType(spec: ServiceSpec): Errors {
  const { type } = spec;
  const kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
  const why = `may not be set to 'None' for ${type} services`;
  const needsAddress = type === "LoadBalancer" || type === "NodePort";
  return [
    ...(type === "ExternalName" ? validateExternalName(spec) : none),
    ...(needsAddress && isHeadless(spec) ? [invalid("spec.clusterIPs[0]", headless, why)] : none),
    ...checkChoice("spec.type", type, kinds),
  ];
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): Errors {
  const path = "spec.sessionAffinityConfig";
  const errors = [...checkChoice("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"])];
  if (sessionAffinity === "None" && config !== undefined)
    errors.push(forbidden(path, "must not be set when session affinity is None"));
  const seconds = config?.clientIP?.timeoutSeconds;
  if (sessionAffinity === "ClientIP" && seconds === undefined)
    errors.push(required(path, "when session affinity type is ClientIP"));
  if (seconds !== undefined && (seconds <= 0 || seconds > affinitySecondsMax)) {
    const why = `must be greater than 0 and less than ${affinitySecondsMax}`;
    errors.push(invalid(`${path}.clientIP.timeoutSeconds`, seconds, why));
  }
  return errors;
}

function validateClusterIps(spec: ServiceSpec): Errors {
  const { clusterIP = "", clusterIPs = [], ipFamilies = [] } = spec;
  const path = "spec.clusterIPs";
  const [first = ""] = clusterIPs;
  const errors = [];
  if (clusterIP !== first) {
    const missing = "must be empty when `clusterIP` is not specified";
    errors.push(
      invalid(path, clusterIPs, clusterIP === "" ? missing : "first value must match `clusterIP`"),
    );
  }
  const numbers = clusterIPs.filter((address, index) => index > 0 || address !== headless);
  if (first === headless && clusterIPs.length > 1)
    errors.push(invalid(path, clusterIPs, "'None' must be the first and only value"));
  errors.push(...numbers.flatMap((address) => validateAddress(`${path}[0]`, address)));
  if (clusterIPs.length > 2) errors.push(invalid(path, clusterIPs, "may only hold up to 2 values"));
  if (errors.length > 0 || isHeadless(spec)) return errors;
  if (clusterIPs.length > 1 && !isDualStack(clusterIPs)) {
    const why = "may specify no more than one IP for each IP family";
    errors.push(invalid(path, clusterIPs, why));
  }
  for (const [index, address] of clusterIPs.entries()) {
    const family = ipFamilies[index];
    if (family === undefined || family === (isIPv6Family(address) ? "IPv6" : "IPv4")) continue;
    const why = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
    errors.push(invalid(`${path}[${index}]`, address, why));
  }
  return errors;
}

function validateFamilies({ ipFamilies, ipFamilyPolicy }: ServiceSpec): Errors {
  const seen = new Set<string>();
  return [
    ...eachAt("spec.ipFamilies", ipFamilies, (family, path) => {
      const isTaken = seen.has(family);
      seen.add(family);
      return [
        ...checkOptional(path, family, ["IPv4", "IPv6"]),
        ...(isTaken ? [duplicate(path, family)] : none),
      ];
    }),
    ...checkOptional("spec.ipFamilyPolicy", ipFamilyPolicy, [
      "PreferDualStack",
      "RequireDualStack",
      "SingleStack",
    ]),
  ];
}

const isExternal = ({ type, externalIPs }: ServiceSpec): boolean =>
  type === "LoadBalancer" ||
  type === "NodePort" ||
  (type === "ClusterIP" && (externalIPs?.length ?? 0) > 0);

function validateTraffic(spec: ServiceSpec): Errors {
  const {
    externalTrafficPolicy: external = "",
    internalTrafficPolicy,
    healthCheckNodePort = 0,
  } = spec;
  const checksHealth = spec.type === "LoadBalancer" && external === "Local";
  const onlyExternal = "may only be set for externally-accessible services";
  const onlyLocal =
    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  const policies = ["Cluster", "Local"];
  return [
    ...(isExternal(spec)
      ? checkChoice("spec.externalTrafficPolicy", external, policies)
      : external === ""
        ? none
        : [invalid("spec.externalTrafficPolicy", external, onlyExternal)]),
    ...(!checksHealth && healthCheckNodePort !== 0
      ? [invalid("spec.healthCheckNodePort", healthCheckNodePort, onlyLocal)]
      : none),
    ...checkOptional("spec.internalTrafficPolicy", internalTrafficPolicy, policies),
    ...checkOptional("spec.trafficDistribution", spec.trafficDistribution, [
      "PreferClose",
      "PreferSameNode",
      "PreferSameZone",
    ]),
  ];
}

function validateLoadBalancer(spec: ServiceSpec): Errors {
  const { type, loadBalancerSourceRanges: ranges = [], loadBalancerClass } = spec;
  const isBalanced = type === "LoadBalancer";
  const why = "may only be used when `type` is 'LoadBalancer'";
  const path = "spec.LoadBalancerSourceRanges";
  return [
    ...(ranges.length > 0 && !isBalanced ? [forbidden(path, why)] : none),
    ...eachAt(path, ranges, (range, at) => validateCidr(at, range.trim())),
    ...(spec.allocateLoadBalancerNodePorts !== undefined && !isBalanced
      ? [forbidden("spec.allocateLoadBalancerNodePorts", why)]
      : none),
    ...(loadBalancerClass === undefined
      ? none
      : isBalanced
        ? check("spec.loadBalancerClass", loadBalancerClass, qualifiedNameComplaints)
        : [forbidden("spec.loadBalancerClass", why)]),
  ];
}

/** The first address, once given, is the Service's for life, or until it is an ExternalName. */
function validateChange(now: ServiceSpec, before: ServiceSpec): Errors {
  if (now.type === "ExternalName" || before.type === "ExternalName") return none;
  if (isHeadless(now) && isHeadless(before)) return none;
  const why = "may not change once set";
  const [old, current] = [before.clusterIPs ?? [], now.clusterIPs ?? []];
  const path = "spec.clusterIPs[0]";
  if (old.length > 0 && current.length === 0)
    return [invalid(path, current, "primary clusterIP can not be unset")];
  const errors = [];
  if (old.length > 0 && old[0] !== current[0]) errors.push(invalid(path, current, why));
  if (old.length === 2 && current.length === 2 && old[1] !== current[1])
    errors.push(invalid("spec.clusterIPs[1]", current, why));
  const family = before.ipFamilies?.[0];
  const isSwitched = isHeadless(now) !== isHeadless(before);
  if (
    !isSwitched &&
    family !== undefined &&
    now.ipFamilies !== undefined &&
    now.ipFamilies[0] !== family
  )
    errors.push(invalid("spec.ipFamilies[0]", now.ipFamilies, why));
  if (now.type === "LoadBalancer" && before.type === "LoadBalancer")
    if (!isSemanticallyEqual(now.loadBalancerClass, before.loadBalancerClass))
      errors.push(invalid("spec.loadBalancerClass", now.loadBalancerClass ?? null, why));
  return errors;
}

export function validateService({ spec = {} }: Service, before: Service | undefined): Errors {
  return [
    ...(before?.spec === undefined ? none : validateChange(spec, before.spec)),
    ...validateType(spec),
    ...validatePorts(spec),
    ...checkLabels("spec.selector", spec.selector),
    ...validateAffinity(spec),
    ...(spec.type === "ExternalName"
      ? none
      : [...validateClusterIps(spec), ...validateFamilies(spec)]),
    ...eachAt("spec.externalIPs", spec.externalIPs, (address, path) => {
      const wrong = validateAddress(path, address);
      return wrong.length > 0 ? wrong : validateEndpointAddress(path, address);
    }),
    ...validateLoadBalancer(spec),
    ...validateTraffic(spec),
  ];
}

/** Only a load balancer has addresses that are not its own. */
export function validateServiceStatus({ spec, status }: Service): Errors {
  const path = "status.loadBalancer.ingress";
  const ingress = status?.loadBalancer?.ingress ?? [];
  const why = 'may only be used when `spec.type` is "LoadBalancer"';
  return [
    ...(ingress.length > 0 && spec?.type !== "LoadBalancer" ? [forbidden(path, why)] : none),
    ...eachAt(path, ingress, ({ ip = "", hostname = "" }, at) => [
      ...(ip === "" ? none : validateAddress(`${at}.ip`, ip)),
      ...(hostname === "" ? none : check(`${at}.hostname`, hostname, dnsSubdomainComplaints)),
    ]),
  ];
}
