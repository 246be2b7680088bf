/**
 * What kubeadm.k8s.io/v1beta4 documents say, as values: read from files and from the cluster, and
 * written for the cluster. Pure.
 */
import { stringify } from "yaml";
import { durationMs } from "../base/duration.ts";
import type { Taint } from "../../api/core/v1.ts";
import { specDefaults, type ClusterSpec, type ExtraArgs, type Timeouts } from "./cluster-spec.ts";
import {
  kubeadmGroup,
  readConfigDocuments,
  type ConfigDocuments,
} from "./configuration-documents.ts";
import { FieldReader } from "./field-reader.ts";
import { kubeletArguments, type KubeletArguments } from "./kubelet-arguments.ts";
import type { Fields } from "./strict-fields.ts";

export const kubeadmVersion = `${kubeadmGroup.group}/${kubeadmGroup.version}`;

/** What of the documents for both init and join is known to us; absent: as without a file. */
interface CommonFile {
  readonly nodeName?: string;
  /** Empty: none; absent: the usual ones. */
  readonly taints?: readonly Taint[];
  readonly ignoredChecks?: readonly string[];
  readonly skipPhases?: readonly string[];
  readonly dryRun?: boolean;
  readonly timeouts?: Timeouts;
  readonly kubeletArguments?: KubeletArguments;
}

export interface InitFile extends CommonFile {
  readonly advertiseAddress?: string;
  readonly bindPort?: number;
  readonly token?: string;
  readonly tokenTtl?: string;
  readonly tokenDescription?: string;
  readonly tokenGroups?: readonly string[];
  readonly controlPlaneEndpoint?: string;
  readonly certSANs?: readonly string[];
  readonly clusterName?: string;
  readonly imageRepository?: string;
  readonly podSubnet?: string;
  readonly serviceSubnet?: string;
  readonly dnsDomain?: string;
  readonly extraArgs?: ExtraArgs;
  readonly isProxyDisabled?: boolean;
  readonly isDnsDisabled?: boolean;
  /** KubeletConfiguration and KubeProxyConfiguration, as they were written. */
  readonly kubelet?: Fields;
  readonly proxy?: Fields;
}

export interface JoinFile extends CommonFile {
  readonly apiServerEndpoint?: string;
  readonly token?: string;
  readonly tlsBootstrapToken?: string;
  readonly discoveryFile?: string;
  readonly caCertHashes?: readonly string[];
  readonly unsafeSkipCAVerification?: boolean;
}

/** Only what was said: an optional field is absent, not undefined. */
const said = <T extends object>(value: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

/** Throws, naming the file and the field, where a value is of another type or cannot be had. */
export function initFileOf({ byKind }: ConfigDocuments, file: string): InitFile {
  const init = new FieldReader(byKind.get("InitConfiguration"), `${file}: InitConfiguration`);
  const cluster = new FieldReader(
    byKind.get("ClusterConfiguration"),
    `${file}: ClusterConfiguration`,
  );
  refuseWhatCannotBe(cluster);
  const tokens = (init.list("bootstrapTokens") ?? []) as readonly Fields[];
  if (tokens.length > 1) {
    throw init.wrong("bootstrapTokens", "has several: make others with tsadm token create");
  }
  const token = new FieldReader(tokens[0], `${file}: InitConfiguration: bootstrapTokens[0]`);
  return said<InitFile>({
    ...commonOf(init),
    advertiseAddress: init.text("localAPIEndpoint.advertiseAddress"),
    bindPort: init.number("localAPIEndpoint.bindPort"),
    token: token.text("token"),
    tokenTtl: token.text("ttl"),
    tokenDescription: token.text("description"),
    tokenGroups: token.texts("groups"),
    controlPlaneEndpoint: cluster.text("controlPlaneEndpoint"),
    certSANs: cluster.texts("apiServer.certSANs"),
    clusterName: cluster.text("clusterName"),
    imageRepository: cluster.text("imageRepository"),
    podSubnet: cluster.text("networking.podSubnet"),
    serviceSubnet: cluster.text("networking.serviceSubnet"),
    dnsDomain: cluster.text("networking.dnsDomain"),
    extraArgs: extraArgsOf(cluster),
    isProxyDisabled: cluster.flag("proxy.disabled"),
    isDnsDisabled: cluster.flag("dns.disabled"),
    kubelet: byKind.get("KubeletConfiguration"),
    proxy: byKind.get("KubeProxyConfiguration"),
  });
}

const commonOf = (
  reader: FieldReader,
): { [K in keyof CommonFile]-?: CommonFile[K] | undefined } => ({
  nodeName: reader.text("nodeRegistration.name"),
  taints: reader.list("nodeRegistration.taints") as readonly Taint[] | undefined,
  ignoredChecks: reader.texts("nodeRegistration.ignorePreflightErrors"),
  skipPhases: reader.texts("skipPhases"),
  dryRun: reader.flag("dryRun"),
  timeouts: timeoutsOf(reader),
  kubeletArguments: kubeletArguments(reader),
});

function timeoutsOf(reader: FieldReader): Timeouts {
  const ms = (name: string): number | undefined => {
    const text = reader.text(`timeouts.${name}`);
    try {
      const found = text === undefined ? 0 : durationMs(text);
      return found === 0 ? undefined : found;
    } catch (cause) {
      throw Object.assign(reader.wrong(`timeouts.${name}`, "is not a duration"), { cause });
    }
  };
  return said<Timeouts>({
    controlPlaneMs: ms("controlPlaneComponentHealthCheck"),
    kubeletMs: ms("kubeletHealthCheck"),
    tlsBootstrapMs: ms("tlsBootstrap"),
    discoveryMs: ms("discovery"),
  });
}

/** What would make another cluster than was asked for is an error, not a warning. */
function refuseWhatCannotBe(cluster: FieldReader): void {
  if (cluster.has("etcd.external")) {
    throw cluster.wrong("etcd.external", "cannot be had yet: leave it out, and etcd runs here");
  }
  const problem = versionProblem(cluster.text("kubernetesVersion"));
  if (problem !== undefined) throw cluster.wrong("kubernetesVersion", problem);
}

/** "is v1.30.0, and …": why a cluster of that version cannot be had; undefined: it can. */
export function versionProblem(wanted: string | undefined): string | undefined {
  const version = wanted?.replace(/^v/, "");
  const own = specDefaults.kubernetesVersion.replace(/^v/, "");
  const minor = own.split(".").slice(0, 2).join(".");
  const labels = ["stable", "latest", "stable-1", "latest-1", `stable-${minor}`];
  if (version === undefined || version === own || labels.includes(version)) return undefined;
  return `is v${version}, and this tsadm brings v${own} only`;
}

/** Which documents' part is whose: our components' names → fields. */
const componentFields = {
  "kube-apiserver": "apiServer",
  "kube-controller-manager": "controllerManager",
  "kube-scheduler": "scheduler",
  etcd: "etcd.local",
} as const satisfies { readonly [K in keyof ExtraArgs]-?: string };

function extraArgsOf(cluster: FieldReader): ExtraArgs | undefined {
  const found = Object.entries(componentFields).flatMap(([component, field]) => {
    const args = cluster.list(`${field}.extraArgs`) as readonly Fields[] | undefined;
    const flags = args?.map(({ name, value }) => {
      if (typeof name !== "string" || name === "") {
        throw cluster.wrong(`${field}.extraArgs`, "has an entry without a name");
      }
      if (value !== undefined && typeof value !== "string") {
        throw cluster.wrong(`${field}.extraArgs`, `has ${name} with a value that is not a string`);
      }
      return { name, value: value ?? "" };
    });
    return flags === undefined || flags.length === 0 ? [] : [[component, flags] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

export function joinFileOf({ byKind }: ConfigDocuments, file: string): JoinFile {
  const join = new FieldReader(byKind.get("JoinConfiguration"), `${file}: JoinConfiguration`);
  if (join.has("controlPlane")) {
    throw join.wrong("controlPlane", "cannot be had yet: a machine joins as a worker");
  }
  const discovery = "discovery.bootstrapToken";
  return said<JoinFile>({
    ...commonOf(join),
    apiServerEndpoint: join.text(`${discovery}.apiServerEndpoint`),
    token: join.text(`${discovery}.token`),
    tlsBootstrapToken: join.text("discovery.tlsBootstrapToken"),
    discoveryFile: join.text("discovery.file.kubeConfigPath"),
    caCertHashes: join.texts(`${discovery}.caCertHashes`),
    unsafeSkipCAVerification: join.flag(`${discovery}.unsafeSkipCAVerification`),
  });
}

const extraArgsPart = (spec: ClusterSpec, component: keyof ExtraArgs): object => {
  const extraArgs = spec.extraArgs?.[component];
  return extraArgs === undefined ? {} : { extraArgs };
};

/** The cluster's part, as the ConfigMap kubeadm-config keeps it. */
export const clusterConfiguration = (spec: ClusterSpec): string =>
  stringify({
    apiServer: {
      ...(spec.certSANs.length === 0 ? {} : { certSANs: spec.certSANs }),
      ...extraArgsPart(spec, "kube-apiserver"),
    },
    apiVersion: kubeadmVersion,
    certificatesDir: `${spec.configFolder}/pki`,
    clusterName: spec.clusterName,
    controlPlaneEndpoint: spec.controlPlaneEndpoint,
    controllerManager: extraArgsPart(spec, "kube-controller-manager"),
    dns: spec.isDnsDisabled === true ? { disabled: true } : {},
    encryptionAlgorithm: "ECDSA-P256",
    etcd: { local: { dataDir: `${spec.dataFolder}/etcd`, ...extraArgsPart(spec, "etcd") } },
    imageRepository: spec.imageRepository,
    kind: "ClusterConfiguration",
    kubernetesVersion: spec.kubernetesVersion,
    networking: {
      dnsDomain: spec.dnsDomain,
      podSubnet: spec.podSubnet,
      serviceSubnet: spec.serviceSubnet,
    },
    proxy: spec.isProxyDisabled === true ? { disabled: true } : {},
    scheduler: extraArgsPart(spec, "kube-scheduler"),
  });

/** What a joining machine needs of the cluster's part. */
export interface JoinedCluster {
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly imageRepository: string;
}

export function parseClusterConfiguration(text: string): JoinedCluster {
  const file = "ConfigMap kube-system/kubeadm-config";
  const { byKind } = readConfigDocuments(text, file);
  const cluster = new FieldReader(byKind.get("ClusterConfiguration"), file);
  return {
    podSubnet: cluster.text("networking.podSubnet") ?? specDefaults.podSubnet,
    serviceSubnet: cluster.text("networking.serviceSubnet") ?? specDefaults.serviceSubnet,
    imageRepository: cluster.text("imageRepository") ?? specDefaults.imageRepository,
  };
}
