/**
 * Starting a cluster and joining machines to it: phases over certificates, manifests and the API.
 * What a phase decides is pure; files, the API and processes come in through doors. It never runs a
 * container, and never speaks etcd: the kubelet runs what its manifests say.
 */
import { kubernetesVersion } from "../../api/version.ts";
import type { Taint } from "../../api/core/v1.ts";
import { formatIpv4, parseIpv4Range } from "../base/ipv4.ts";
import type { ClusterPki } from "../pki/cluster-pki.ts";
import type { Fields } from "./strict-fields.ts";

/** Flags that stand over ours in a static pod's command, by component. */
export type ExtraArgs = {
  readonly [
    component in "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "etcd"
  ]?: readonly { readonly name: string; readonly value: string }[];
};

/** Of a configuration file, milliseconds; absent: as long as tsadm waits anyway. */
export interface Timeouts {
  readonly controlPlaneMs?: number;
  readonly kubeletMs?: number;
  readonly tlsBootstrapMs?: number;
  /** A cluster that does not answer is asked again for so long; absent: it is refused at once. */
  readonly discoveryMs?: number;
}

/** Image with every program of ours; the one with etcd. */
export interface ClusterImages {
  readonly tskube: string;
  readonly etcd: string;
}

/** What `tsadm init` makes: every value is decided before the first phase. */
export interface ClusterSpec {
  /** /etc/tskube */
  readonly configFolder: string;
  /** /var/lib/tskube */
  readonly dataFolder: string;
  /** /run/tskube */
  readonly runFolder: string;
  readonly nodeName: string;
  /** The API server's address for others. */
  readonly advertiseAddress: string;
  readonly bindPort: number;
  /** host:port in every kubeconfig; the advertised one unless something stands in front of it. */
  readonly controlPlaneEndpoint: string;
  readonly certSANs: readonly string[];
  readonly clusterName: string;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly dnsDomain: string;
  readonly kubernetesVersion: string;
  /** "localhost": made on each machine; else pulled from there. */
  readonly imageRepository: string;
  readonly images: ClusterImages;
  readonly extraArgs?: ExtraArgs;
  /** The authority's key is kept elsewhere: nothing is signed in the cluster. */
  readonly isAuthorityExternal?: boolean;
  /** Of this first node; absent: what keeps other pods off a control plane. */
  readonly taints?: readonly Taint[];
  readonly isProxyDisabled?: boolean;
  readonly isDnsDisabled?: boolean;
  readonly timeouts?: Timeouts;
  /** Fields of a configuration file for every kubelet, and every proxy. */
  readonly kubelet?: Fields;
  readonly proxy?: Fields;
  /** ID.SECRET */
  readonly token: string;
  /** 0: without an end. */
  readonly tokenTtlMs: number;
  readonly tokenDescription?: string;
  /** Absent: that of joining machines. */
  readonly tokenGroups?: readonly string[];
}

/** What the images of a cluster are called. */
export const imagesIn = (repository: string): ClusterImages => ({
  tskube: `${repository}/tskube:${kubernetesVersion}`,
  etcd: `${repository}/tskube-etcd:${kubernetesVersion}`,
});

/** Of images that are made on the machine, and that no registry has. */
export const localRepository = "localhost";

export const specDefaults = {
  configFolder: "/etc/tskube",
  dataFolder: "/var/lib/tskube",
  runFolder: "/run/tskube",
  bindPort: 6443,
  clusterName: "kubernetes",
  podSubnet: "10.244.0.0/16",
  serviceSubnet: "10.96.0.0/16",
  dnsDomain: "cluster.local",
  kubernetesVersion,
  imageRepository: localRepository,
  images: imagesIn(localRepository),
  tokenTtlMs: 24 * 3_600_000,
} as const;

/** The address of a range that is `index` behind its first: 1 is the API server's, 10 is DNS's. */
export function addressInRange(cidr: string, index: number): string {
  const range = parseIpv4Range(cidr);
  if (range === undefined) throw new Error(`${cidr} is no IPv4 range`);
  return formatIpv4(range.base + index);
}

export const dnsAddressOf = ({ serviceSubnet }: Pick<ClusterSpec, "serviceSubnet">): string =>
  addressInRange(serviceSubnet, 10);

export const serverUrlOf = ({ controlPlaneEndpoint }: ClusterSpec): string =>
  `https://${controlPlaneEndpoint}`;

/** The group of admin.conf: bound to cluster-admin, so that it can be taken away again. */
export const adminGroup = "kubeadm:cluster-admins";

export const clusterPkiOf = (spec: ClusterSpec): ClusterPki => ({
  folder: `${spec.configFolder}/pki`,
  kubeconfigFolder: spec.configFolder,
  clusterName: spec.clusterName,
  serverUrl: serverUrlOf(spec),
  serverNames: [...spec.certSANs, spec.controlPlaneEndpoint.replace(/:\d+$/, "")],
  serviceAddress: addressInRange(spec.serviceSubnet, 1),
  dnsDomain: spec.dnsDomain,
  node: { name: spec.nodeName, addresses: [spec.advertiseAddress] },
  adminGroup,
  hasEtcd: true,
  proxyIsPod: true,
});
