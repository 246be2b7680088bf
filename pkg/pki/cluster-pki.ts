/**
 * pkg/pki makes keys, certificates, authorities and kubeconfigs, and reads them. It never speaks to
 * a cluster, and never replaces an authority that is there.
 *
 * Here: what a cluster's PKI folder holds, as data: every authority, certificate, key pair and
 * kubeconfig with kubeadm's file names, subjects and usages. The plan and every reader of the
 * folder use it.
 */
import type { ExtendedUsage } from "./extended-usage.ts";

export interface ClusterPki {
  /** /etc/tskube/pki */
  readonly folder: string;
  /** Where admin.conf and its sisters lie: /etc/tskube */
  readonly kubeconfigFolder: string;
  readonly clusterName: string;
  /** What kubeconfigs point to: https://10.0.0.1:6443 */
  readonly serverUrl: string;
  /**
   * Names and addresses of the API server beside the usual ones (localhost, kubernetes.default…).
   */
  readonly serverNames: readonly string[];
  /** First address of the Service network, under which pods reach the API server. */
  readonly serviceAddress: string;
  /** "cluster.local" */
  readonly dnsDomain: string;
  readonly node: { readonly name: string; readonly addresses: readonly string[] };
  /** Group of admin.conf's user: system:masters needs no binding; kubeadm:cluster-admins does. */
  readonly adminGroup: string;
  /** False: no etcd folder and no client certificate for it (embedded storage). */
  readonly hasEtcd: boolean;
  /** True: the proxy runs in pods, as a ServiceAccount, and needs no kubeconfig here. */
  readonly proxyIsPod?: boolean;
}

export interface AuthorityEntry {
  readonly make: "authority";
  /** Path in the PKI folder, without .crt and .key. */
  readonly file: string;
  readonly commonName: string;
}

export interface CertificateEntry {
  readonly make: "certificate";
  readonly file: string;
  /** `file` of the authority that signs it. */
  readonly authority: string;
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: readonly string[];
  readonly usages: readonly ExtendedUsage[];
}

/** FILE.key and FILE.pub: what ServiceAccount tokens are signed and verified with. */
export interface KeyPairEntry {
  readonly make: "key-pair";
  readonly file: string;
}

export interface KubeConfigEntry {
  readonly make: "kubeconfig";
  /** Path in the kubeconfig folder: admin.conf */
  readonly file: string;
  readonly authority: string;
  readonly commonName: string;
  readonly organizations: readonly string[];
}

export type PkiEntry = AuthorityEntry | CertificateEntry | KeyPairEntry | KubeConfigEntry;

const client: readonly ExtendedUsage[] = ["client auth"];
const server: readonly ExtendedUsage[] = ["server auth"];
const both: readonly ExtendedUsage[] = ["server auth", "client auth"];

/** Authorities before what they sign. */
export const clusterEntries = (pki: ClusterPki): readonly PkiEntry[] => [
  { make: "authority", file: "ca", commonName: "kubernetes" },
  certificate("apiserver", "ca", "kube-apiserver", server, { names: apiServerNames(pki) }),
  certificate("apiserver-kubelet-client", "ca", "kube-apiserver-kubelet-client", client, {
    organizations: [pki.adminGroup],
  }),
  certificate("kubelet", "ca", `system:node:${pki.node.name}`, server, {
    organizations: ["system:nodes"],
    names: distinct([pki.node.name, "localhost", "127.0.0.1", ...pki.node.addresses]),
  }),
  { make: "authority", file: "front-proxy-ca", commonName: "front-proxy-ca" },
  certificate("front-proxy-client", "front-proxy-ca", "front-proxy-client", client, {}),
  ...(pki.hasEtcd ? etcdEntries(pki) : []),
  { make: "key-pair", file: "sa" },
  kubeconfig("admin.conf", "kubernetes-admin", [pki.adminGroup]),
  kubeconfig("super-admin.conf", "kubernetes-super-admin", ["system:masters"]),
  kubeconfig("controller-manager.conf", "system:kube-controller-manager", []),
  kubeconfig("scheduler.conf", "system:kube-scheduler", []),
  ...(pki.proxyIsPod === true
    ? []
    : [kubeconfig("proxy.conf", "system:kube-proxy", ["system:node-proxier"])]),
  kubeconfig("kubelet.conf", `system:node:${pki.node.name}`, ["system:nodes"]),
];

const etcdEntries = (pki: ClusterPki): readonly PkiEntry[] => {
  const names = distinct([pki.node.name, "localhost", "127.0.0.1", "::1", ...pki.node.addresses]);
  return [
    { make: "authority", file: "etcd/ca", commonName: "etcd-ca" },
    certificate("etcd/server", "etcd/ca", pki.node.name, both, { names }),
    certificate("etcd/peer", "etcd/ca", pki.node.name, both, { names }),
    certificate("etcd/healthcheck-client", "etcd/ca", "kube-etcd-healthcheck-client", client, {}),
    certificate("apiserver-etcd-client", "etcd/ca", "kube-apiserver-etcd-client", client, {}),
  ];
};

/** Every name under which a client may reach the API server. */
export const apiServerNames = (pki: ClusterPki): readonly string[] =>
  distinct([
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${pki.dnsDomain}`,
    "localhost",
    pki.node.name,
    "127.0.0.1",
    "::1",
    pki.serviceAddress,
    ...pki.node.addresses,
    ...pki.serverNames,
  ]);

const certificate = (
  file: string,
  authority: string,
  commonName: string,
  usages: readonly ExtendedUsage[],
  more: { names?: readonly string[]; organizations?: readonly string[] },
): CertificateEntry => ({
  make: "certificate",
  file,
  authority,
  commonName,
  usages,
  names: more.names ?? [],
  organizations: more.organizations ?? [],
});

const kubeconfig = (
  file: string,
  commonName: string,
  organizations: readonly string[],
): KubeConfigEntry => ({ make: "kubeconfig", file, authority: "ca", commonName, organizations });

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)];
