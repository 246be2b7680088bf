/** A pod's spec, in a Pod or in a template: all that is wrong with it, in upstream's words. */
import type { PodDNSConfig, PodSpec } from "../../../../api/core/v1.ts";
import { forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { dnsLabelComplaints, dnsSubdomainComplaints } from "../../../machinery/names.ts";
import { validateAddress } from "../addresses.ts";
import { validateQuantity } from "../quantities.ts";
import {
  check,
  checkChoice,
  checkDnsLabel,
  checkLabels,
  checkOptional,
  checkRange,
  checkUnique,
  eachAt,
  type Errors,
  none,
} from "../rules.ts";
import {
  type PodContext,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from "./container-validation.ts";
import { validateScheduling } from "./scheduling-validation.ts";
import { validateHostUsers, validatePodSecurity } from "./security-validation.ts";
import { validateVolumes } from "./volume-validation.ts";

const int32Max = 2 ** 31 - 1;
/** What the resolver of libc takes. */
const dnsLimits = { nameservers: 3, searches: 32, searchChars: 2_048, hostnameChars: 64 };

function validateDnsConfig(config: PodDNSConfig, path: string): Errors {
  const { nameservers = [], searches = [], options } = config;
  const searchPath = `${path}.searches`;
  const tooLong = `must not have more than ${dnsLimits.searchChars} characters (including spaces) in the search list`;
  return [
    ...(nameservers.length > dnsLimits.nameservers
      ? [
          invalid(
            `${path}.nameservers`,
            nameservers,
            `must not have more than ${dnsLimits.nameservers} nameservers`,
          ),
        ]
      : none),
    ...eachAt(`${path}.nameservers`, nameservers, (address, at) => validateAddress(at, address)),
    ...(searches.length > dnsLimits.searches
      ? [
          invalid(
            searchPath,
            searches,
            `must not have more than ${dnsLimits.searches} search paths`,
          ),
        ]
      : none),
    ...(searches.join(" ").length > dnsLimits.searchChars
      ? [invalid(searchPath, searches, tooLong)]
      : none),
    ...eachAt(searchPath, searches, (search, at) =>
      search === "."
        ? none
        : // Service names may begin with an underscore.
          check(at, search.replace(/\.$/, ""), (text) =>
            dnsSubdomainComplaints(text.replaceAll("_", "a")),
          ),
    ),
    ...eachAt(`${path}.options`, options, ({ name = "" }, at) =>
      name === "" ? [required(at, "must not be empty")] : none,
    ),
  ];
}

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, path: string): Errors {
  const at = `${path}.dnsConfig`;
  const policy = checkChoice(`${path}.dnsPolicy`, dnsPolicy, [
    "ClusterFirstWithHostNet",
    "ClusterFirst",
    "Default",
    "None",
  ]);
  if (dnsPolicy === "None" && dnsConfig === undefined)
    return [...policy, required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
  if (dnsPolicy === "None" && (dnsConfig?.nameservers?.length ?? 0) === 0) {
    const why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return [...policy, required(`${at}.nameservers`, why)];
  }
  return [...policy, ...(dnsConfig === undefined ? none : validateDnsConfig(dnsConfig, at))];
}

/** On the node's network a port of the container is that port of the node. */
function validateHostNetwork({ spec, isPod }: PodContext, path: string): Errors {
  if (spec.hostNetwork !== true) return none;
  const why = "must match `containerPort` when `hostNetwork` is true";
  return eachAt(`${path}.containers`, spec.containers, ({ ports }, at) =>
    eachAt(`${at}.ports`, ports, ({ hostPort = 0, containerPort }, portAt) =>
      (isPod || hostPort !== 0) && hostPort !== containerPort
        ? [invalid(`${portAt}.hostPort`, hostPort, why)]
        : none,
    ),
  );
}

function validateHostname(spec: PodSpec, path: string): Errors {
  const { hostname = "", subdomain = "", hostnameOverride: override } = spec;
  const at = `${path}.hostnameOverride`;
  const names = [
    ...(hostname === "" ? none : checkDnsLabel(`${path}.hostname`, hostname)),
    ...(subdomain === "" ? none : checkDnsLabel(`${path}.subdomain`, subdomain)),
  ];
  if (override === undefined) return names;
  const not = (what: string): string => `may not be specified when ${what} is true`;
  return [
    ...names,
    ...(spec.setHostnameAsFQDN === true ? [forbidden(at, not("setHostnameAsFQDN"))] : none),
    ...(spec.hostNetwork === true ? [forbidden(at, not("hostNetwork"))] : none),
    ...check(at, override, dnsSubdomainComplaints),
  ];
}

/** Names of other objects, which are checked as those objects' own names are. */
function validateNames(spec: PodSpec, path: string): Errors {
  const names = [
    "serviceAccountName",
    "nodeName",
    "priorityClassName",
    "runtimeClassName",
  ] as const;
  return names.flatMap((field) => {
    const name = spec[field] ?? "";
    return name === "" ? none : check(`${path}.${field}`, name, dnsSubdomainComplaints);
  });
}

const validateOs = (name: string, path: string): Errors =>
  name === "" ? [required(`${path}.name`)] : checkOptional(path, name, ["linux", "windows"]);

function validateRest(spec: PodSpec, path: string): Errors {
  const { shareProcessNamespace, hostPID, hostAliases, overhead, os } = spec;
  const shared = "ShareProcessNamespace and HostPID cannot both be enabled";
  const at = `${path}.shareProcessNamespace`;
  return [
    ...(shareProcessNamespace === true && hostPID === true ? [invalid(at, true, shared)] : none),
    ...checkRange(`${path}.activeDeadlineSeconds`, spec.activeDeadlineSeconds, [1, int32Max]),
    ...eachAt(`${path}.hostAliases`, hostAliases, ({ ip, hostnames }, aliasAt) => [
      ...validateAddress(`${aliasAt}.ip`, ip),
      ...eachAt(`${aliasAt}.hostnames`, hostnames, (name, nameAt) =>
        check(nameAt, name, dnsSubdomainComplaints),
      ),
    ]),
    ...checkOptional(`${path}.preemptionPolicy`, spec.preemptionPolicy, [
      "PreemptLowerPriority",
      "Never",
    ]),
    ...Object.entries(overhead ?? {}).flatMap(([name, amount]) =>
      validateQuantity(`${path}.overhead[${name}]`, name, amount),
    ),
    ...(os === undefined ? none : validateOs(os.name, `${path}.os`)),
    ...validateHostUsers(spec, path),
  ];
}

const validateClaims = ({ resourceClaims: claims }: PodSpec, path: string): Errors => [
  ...eachAt(path, claims, (claim, at) => {
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    const fields = "`resourceClaimName`";
    const both = `at most one of ${fields} or \`resourceClaimTemplateName\` may be specified`;
    const neither = `must specify one of: ${fields}, \`resourceClaimTemplateName\``;
    const [own, made] = [resourceClaimName !== undefined, resourceClaimTemplateName !== undefined];
    return [
      ...(name === "" ? [required(`${at}.name`)] : check(`${at}.name`, name, dnsLabelComplaints)),
      ...(own && made ? [invalid(at, claim, both)] : none),
      ...(!own && !made ? [invalid(at, claim, neither)] : none),
    ];
  }),
  ...checkUnique(
    claims,
    ({ name }) => name,
    (index) => `${path}[${index}].name`,
  ),
];

export function validatePodSpec(
  spec: PodSpec,
  path: string,
  { isPod }: { readonly isPod: boolean },
): Errors {
  const volumes = validateVolumes(spec.volumes, `${path}.volumes`);
  const claimNames = new Set((spec.resourceClaims ?? []).map(({ name }) => name));
  const pod: PodContext = { spec, volumes: volumes.good, claimNames, isPod };
  return [
    ...(spec.terminationGracePeriodSeconds === undefined
      ? [required(`${path}.terminationGracePeriodSeconds`)]
      : none),
    ...volumes.errors,
    ...validateClaims(spec, `${path}.resourceClaims`),
    ...validateContainers(pod, `${path}.containers`),
    ...validateInitContainers(pod, `${path}.initContainers`),
    ...validateEphemeralContainers(pod, `${path}.ephemeralContainers`),
    ...validateHostNetwork(pod, path),
    ...checkChoice(`${path}.restartPolicy`, spec.restartPolicy, ["Always", "OnFailure", "Never"]),
    ...validateDns(spec, path),
    ...checkLabels(`${path}.nodeSelector`, spec.nodeSelector),
    ...validatePodSecurity(spec.securityContext, `${path}.securityContext`),
    ...validateScheduling(spec, path),
    ...validateHostname(spec, path),
    ...validateNames(spec, path),
    ...validateRest(spec, path),
  ];
}
