/** What `tsadm config print` shows: documents with every value as it is without a file. Pure. */
import { stringify } from "yaml";
import { dnsAddressOf, specDefaults } from "./cluster-spec.ts";
import { kubeadmVersion } from "./configuration.ts";
import { kubeletConfigurationText } from "./kubelet-configuration.ts";
import { joinGroup } from "./join-token.ts";
import { proxyConfigurationText } from "./proxy-configuration.ts";

const exampleToken = "abcdef.0123456789abcdef";

const nodeRegistration = {
  criSocket: `unix://${specDefaults.runFolder}/cri.sock`,
  imagePullPolicy: "IfNotPresent",
  imagePullSerial: true,
  name: "node",
  taints: null,
};

const documents = (all: readonly object[]): string =>
  all.map((document) => stringify(document)).join("---\n");

/** Kinds of `--component-configs`, each with its document. */
const components: Readonly<Record<string, () => string>> = {
  KubeletConfiguration: () =>
    kubeletConfigurationText({ clusterDns: [dnsAddressOf(specDefaults)] }),
  KubeProxyConfiguration: () => proxyConfigurationText(specDefaults),
};

/** Throws where a kind is none of KubeletConfiguration and KubeProxyConfiguration. */
export const initDefaults = (componentKinds: readonly string[] = []): string =>
  [
    documents([
      {
        apiVersion: kubeadmVersion,
        kind: "InitConfiguration",
        bootstrapTokens: [
          {
            groups: [joinGroup],
            token: exampleToken,
            ttl: "24h0m0s",
            usages: ["signing", "authentication"],
          },
        ],
        localAPIEndpoint: { advertiseAddress: "1.2.3.4", bindPort: specDefaults.bindPort },
        nodeRegistration,
      },
      {
        apiVersion: kubeadmVersion,
        kind: "ClusterConfiguration",
        apiServer: {},
        certificatesDir: `${specDefaults.configFolder}/pki`,
        clusterName: specDefaults.clusterName,
        controllerManager: {},
        dns: {},
        encryptionAlgorithm: "ECDSA-P256",
        etcd: { local: { dataDir: `${specDefaults.dataFolder}/etcd` } },
        imageRepository: specDefaults.imageRepository,
        kubernetesVersion: specDefaults.kubernetesVersion,
        networking: {
          dnsDomain: specDefaults.dnsDomain,
          podSubnet: specDefaults.podSubnet,
          serviceSubnet: specDefaults.serviceSubnet,
        },
        proxy: {},
        scheduler: {},
      },
    ]),
    ...componentKinds.map(componentDefaults),
  ].join("---\n");

function componentDefaults(kind: string): string {
  const found = components[kind];
  if (found !== undefined) return found();
  throw new Error(
    `--component-configs: unknown kind ${kind}; there are ${Object.keys(components).join(", ")}`,
  );
}

export const joinDefaults = (componentKinds: readonly string[] = []): string =>
  [
    documents([
      {
        apiVersion: kubeadmVersion,
        kind: "JoinConfiguration",
        caCertPath: `${specDefaults.configFolder}/pki/ca.crt`,
        discovery: {
          bootstrapToken: {
            apiServerEndpoint: "kube-apiserver:6443",
            token: exampleToken,
            unsafeSkipCAVerification: true,
          },
          tlsBootstrapToken: exampleToken,
        },
        nodeRegistration,
      },
    ]),
    ...componentKinds.map(componentDefaults),
  ].join("---\n");
