import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { gatewayOf, parseCidr } from "../../pkg/podnetwork/plan.ts";
import type { ClusterPki } from "../../pkg/pki/cluster-pki.ts";

/** Where a cluster's files lie and how it is reached: what the programs of one machine agree on. */
export interface ClusterSettings {
  /** /etc/tskube */
  readonly configFolder: string;
  /** /etc/tskube/pki */
  readonly pkiFolder: string;
  readonly nodeName: string;
  /** This machine's address, for others. */
  readonly nodeAddress: string;
  /** Where pods reach the API server; never a loopback address. */
  readonly advertiseAddress: string;
  readonly securePort: number;
  readonly kubeletPort: number;
  readonly serviceCidr: string;
  readonly dnsDomain: string;
}

export const clusterDefaults = {
  configFolder: "/etc/tskube",
  dataFolder: "/var/lib/tskube",
  runFolder: "/run/tskube",
  securePort: 6443,
  kubeletPort: 10250,
  serviceCidr: "10.96.0.0/16",
  podCidr: "10.244.0.0/24",
  bridge: "tskube0",
  dnsDomain: "cluster.local",
} as const;

/** RFC 1123: what a node may be called, made of the host's own name. */
export const defaultNodeName = (): string =>
  hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, "-");

/** The first address that is not loopback; undefined without a network. */
export function machineAddress(): string | undefined {
  const all = Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith("tskube") && !name.startsWith("veth"))
    .flatMap(([, addresses]) => addresses ?? []);
  return all.find((one) => one.family === "IPv4" && !one.internal)?.address;
}

/** The first address of a range: the API server's own Service, or the pods' gateway. */
export const firstAddress = (cidr: string): string => gatewayOf(parseCidr(cidr));

export const issuerOf = ({ dnsDomain }: ClusterSettings): string =>
  `https://kubernetes.default.svc.${dnsDomain}`;

/** The PKI folder that these settings ask for. */
export const clusterPki = (settings: ClusterSettings, hasEtcd: boolean): ClusterPki => ({
  folder: settings.pkiFolder,
  kubeconfigFolder: settings.configFolder,
  clusterName: "tskube",
  serverUrl: `https://${settings.nodeAddress}:${settings.securePort}`,
  serverNames: [],
  serviceAddress: firstAddress(settings.serviceCidr),
  dnsDomain: settings.dnsDomain,
  node: { name: settings.nodeName, addresses: [settings.nodeAddress] },
  adminGroup: "system:masters",
  hasEtcd,
});

export const pkiFile = (settings: ClusterSettings, name: string): string =>
  join(settings.pkiFolder, name);

export const defaultNodeAddress = (): string => machineAddress() ?? "127.0.0.1";
