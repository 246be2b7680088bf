import type { Pod, PodSecurityContext, SeccompProfile } from "../../../api/core/v1.ts";
import {
  NamespaceMode,
  Protocol,
  ProfileType,
  SupplementalGroupsPolicy,
  type DNSConfig,
  type IDMapping,
  type LinuxSandboxSecurityContext,
  type NamespaceOption,
  type PodSandboxConfig,
  type PortMapping,
  type SecurityProfile,
} from "../../../api/cri/v1.ts";
import { containersOf, nameOf, namespaceOf, uidOf } from "../pods/pod-spec.ts";
import { labels } from "./labels.ts";
import { podResources } from "./linux-resources.ts";
import type { NodeSettings } from "./node-settings.ts";
import { cgroupParentOf } from "./qos.ts";

/** Ids of a pod with users of its own: as many as images may use. */
export const podIds = 65_536;

/** Linux allows 64 bytes, and one of them ends the name. */
const hostnameCharsMax = 63;

/** <podLogsPath>/<namespace>_<name>_<uid> */
export const logDirectoryOf = (pod: Pod, podLogsPath: string): string =>
  `${podLogsPath}/${namespaceOf(pod)}_${nameOf(pod)}_${uidOf(pod)}`;

/** The fully qualified name, where the pod has one by its subdomain. */
export function fqdnOf(pod: Pod, clusterDomain: string): string | undefined {
  const { subdomain } = pod.spec;
  if (subdomain === undefined || subdomain === "") return undefined;
  return `${shortHostname(pod)}.${subdomain}.${namespaceOf(pod)}.svc.${clusterDomain}`;
}

const shortHostname = (pod: Pod): string => {
  const given = pod.spec.hostname;
  if (given !== undefined && given !== "") return given;
  return nameOf(pod)
    .slice(0, hostnameCharsMax)
    .replace(/[-.]+$/, "");
};

/** What `hostname` prints in the pod. */
export function hostnameOf(pod: Pod, settings: NodeSettings): string {
  if (pod.spec.hostnameOverride !== undefined) return pod.spec.hostnameOverride;
  if (pod.spec.hostNetwork === true) return settings.hostname;
  const full = fqdnOf(pod, settings.clusterDomain);
  return pod.spec.setHostnameAsFQDN === true && full !== undefined ? full : shortHostname(pod);
}

/** The pod's resolv.conf, by its dnsPolicy and dnsConfig. */
export function dnsConfigOf(pod: Pod, settings: NodeSettings): DNSConfig {
  const base = dnsByPolicy(pod, settings);
  const more = pod.spec.dnsConfig;
  const options = new Map(base.options.map((option) => [option.split(":")[0] ?? option, option]));
  for (const { name, value } of more?.options ?? []) {
    if (name !== undefined) options.set(name, value === undefined ? name : `${name}:${value}`);
  }
  return {
    servers: [...new Set([...base.servers, ...(more?.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(more?.searches ?? [])])],
    options: [...options.values()],
  };
}

function dnsByPolicy(pod: Pod, settings: NodeSettings): NodeSettings["hostDns"] {
  const policy = pod.spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { servers: [], searches: [], options: [] };
  const onHost = pod.spec.hostNetwork === true && policy === "ClusterFirst";
  if (policy === "Default" || onHost || settings.clusterDns.length === 0) return settings.hostDns;
  const domain = settings.clusterDomain;
  return {
    servers: settings.clusterDns,
    searches: [
      `${namespaceOf(pod)}.svc.${domain}`,
      `svc.${domain}`,
      domain,
      ...settings.hostDns.searches,
    ],
    options: ["ndots:5"],
  };
}

/**
 * The ids of a pod with users of its own, one range from 0. `firstHostId` is the host's id of its
 * root.
 */
export const idMappings = (firstHostId: number): readonly IDMapping[] => [
  { containerId: 0, hostId: firstHostId, length: podIds },
];

/**
 * Which namespaces the pod's containers share with one another, and which with the host. Of a pod
 * with users of its own the host's id of its root is given.
 */
export const namespacesOf = (pod: Pod, firstHostId?: number): NamespaceOption => ({
  network: pod.spec.hostNetwork === true ? NamespaceMode.NODE : NamespaceMode.POD,
  ipc: pod.spec.hostIPC === true ? NamespaceMode.NODE : NamespaceMode.POD,
  pid:
    pod.spec.hostPID === true
      ? NamespaceMode.NODE
      : pod.spec.shareProcessNamespace === true
        ? NamespaceMode.POD
        : NamespaceMode.CONTAINER,
  ...(firstHostId === undefined
    ? {}
    : {
        usernsOptions: {
          mode: NamespaceMode.POD,
          uids: idMappings(firstHostId),
          gids: idMappings(firstHostId),
        },
      }),
});

/** No profile asked for is no profile, as the API has it. */
export function seccompOf(
  profile: SeccompProfile | undefined,
  seccompPath: string,
): SecurityProfile {
  if (profile?.type === "RuntimeDefault") return { profileType: ProfileType.RuntimeDefault };
  if (profile?.type !== "Localhost") return { profileType: ProfileType.Unconfined };
  return {
    profileType: ProfileType.Localhost,
    localhostRef: `${seccompPath}/${profile.localhostProfile ?? ""}`,
  };
}

export const groupsOf = (context: PodSecurityContext | undefined): readonly bigint[] =>
  [
    ...(context?.fsGroup === undefined ? [] : [context.fsGroup]),
    ...(context?.supplementalGroups ?? []),
  ].map(BigInt);

export const groupsPolicyOf = (context: PodSecurityContext | undefined): SupplementalGroupsPolicy =>
  context?.supplementalGroupsPolicy === "Strict"
    ? SupplementalGroupsPolicy.Strict
    : SupplementalGroupsPolicy.Merge;

const int64 = (value: number | undefined): { readonly value: bigint } | undefined =>
  value === undefined ? undefined : { value: BigInt(value) };

function sandboxSecurity(
  pod: Pod,
  settings: NodeSettings,
  firstHostId: number | undefined,
): LinuxSandboxSecurityContext {
  const context = pod.spec.securityContext;
  const user = int64(context?.runAsUser);
  // The runtime refuses a group without a user: with none the sandbox runs as its image says.
  const group = user === undefined ? undefined : int64(context?.runAsGroup);
  return {
    namespaceOptions: namespacesOf(pod, firstHostId),
    supplementalGroups: groupsOf(context),
    supplementalGroupsPolicy: groupsPolicyOf(context),
    privileged: containersOf(pod).some(
      ({ container }) => container.securityContext?.privileged === true,
    ),
    seccomp: seccompOf(context?.seccompProfile ?? { type: "RuntimeDefault" }, settings.seccompPath),
    ...(user === undefined ? {} : { runAsUser: user }),
    ...(group === undefined ? {} : { runAsGroup: group }),
    ...(context?.seLinuxOptions === undefined ? {} : { selinuxOptions: context.seLinuxOptions }),
  };
}

const protocols: Readonly<Record<string, Protocol>> = {
  TCP: Protocol.TCP,
  UDP: Protocol.UDP,
  SCTP: Protocol.SCTP,
};

const portMappingsOf = (pod: Pod): readonly PortMapping[] =>
  containersOf(pod)
    .flatMap(({ container }) => container.ports ?? [])
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map((port) => ({
      protocol: protocols[port.protocol ?? "TCP"] ?? Protocol.TCP,
      containerPort: port.containerPort,
      hostPort: port.hostPort ?? 0,
      hostIp: port.hostIP ?? "",
    }));

/** Annotations that the API server or the kubelet put there stay; the runtime may read them all. */
export function sandboxConfig(
  pod: Pod,
  attempt: number,
  settings: NodeSettings,
  firstHostId?: number,
): PodSandboxConfig {
  const sysctls = Object.fromEntries(
    (pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]),
  );
  return {
    metadata: { name: nameOf(pod), namespace: namespaceOf(pod), uid: uidOf(pod), attempt },
    hostname: hostnameOf(pod, settings),
    logDirectory: logDirectoryOf(pod, settings.podLogsPath),
    dnsConfig: dnsConfigOf(pod, settings),
    portMappings: pod.spec.hostNetwork === true ? [] : portMappingsOf(pod),
    labels: {
      ...pod.metadata?.labels,
      [labels.podName]: nameOf(pod),
      [labels.podNamespace]: namespaceOf(pod),
      [labels.podUid]: uidOf(pod),
    },
    annotations: { ...pod.metadata?.annotations },
    linux: {
      cgroupParent: cgroupParentOf(pod, settings.cgroupRoot),
      securityContext: sandboxSecurity(pod, settings, firstHostId),
      sysctls,
      resources: podResources(pod),
    },
  };
}
