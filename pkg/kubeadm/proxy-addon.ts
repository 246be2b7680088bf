/**
 * The service proxy of every node as a DaemonSet, laid out as kubeadm lays out kube-proxy: the same
 * names, files and rights, so that one can take the other's place. Pure.
 */
import { stringify } from "yaml";
import type { DaemonSet } from "../../api/apps/v1.ts";
import type { ConfigMap, Container, ServiceAccount } from "../../api/core/v1.ts";
import { configMaps, daemonSets, serviceAccounts } from "../../api/resources.ts";
import { joinGroup } from "./join-token.ts";
import { bindClusterRole, group, readableBy, want, type Wanted } from "./cluster-objects.ts";
import { serverUrlOf, type ClusterSpec } from "./cluster-spec.ts";
import { proxyConfigurationText } from "./proxy-configuration.ts";
import { proxyPorts } from "./proxy-settings.ts";

const namespace = "kube-system";
const name = "kube-proxy";
const labels = { "k8s-app": name };
const configFolder = "/var/lib/kube-proxy";
const kubeconfigFile = "kubeconfig.conf";
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

export const proxyAddon = (spec: ClusterSpec): readonly Wanted[] => [
  want(serviceAccounts, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name },
  } satisfies ServiceAccount),
  bindClusterRole("kubeadm:node-proxier", "system:node-proxier", [
    { kind: "ServiceAccount", namespace, name },
  ]),
  want(configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name, labels: { app: name } },
    data: {
      "config.conf": proxyConfigurationText(spec, {
        bindAddress: "0.0.0.0",
        clientConnection: { kubeconfig: `${configFolder}/${kubeconfigFile}` },
        ...spec.proxy,
      }),
      [kubeconfigFile]: kubeconfig(spec),
    },
  } satisfies ConfigMap),
  ...readableBy({ namespace, name }, name, [group(joinGroup)]),
  want(daemonSets, proxyDaemonSet(spec)),
];

/**
 * The control plane itself and not its Service: that one works only when the proxy does. The token
 * is read from its file again and again, since the kubelet renews it there.
 */
const kubeconfig = (spec: ClusterSpec): string =>
  stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "default",
        cluster: {
          "certificate-authority": `${accountFolder}/ca.crt`,
          server: serverUrlOf(spec),
        },
      },
    ],
    contexts: [
      { name: "default", context: { cluster: "default", namespace: "default", user: "default" } },
    ],
    "current-context": "default",
    users: [{ name: "default", user: { tokenFile: `${accountFolder}/token` } }],
  });

const proxyDaemonSet = (spec: ClusterSpec): DaemonSet => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { namespace, name, labels },
  spec: {
    selector: { matchLabels: labels },
    updateStrategy: { type: "RollingUpdate" },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        priorityClassName: "system-node-critical",
        hostNetwork: true,
        nodeSelector: { "kubernetes.io/os": "linux" },
        // A node without Services is of no use to whatever else tolerates its taints.
        tolerations: [{ operator: "Exists" }],
        containers: [proxyContainer(spec)],
        volumes: [{ name, configMap: { name } }],
      },
    },
  },
});

const proxyContainer = ({ images }: ClusterSpec): Container => ({
  name,
  image: images.tskube,
  imagePullPolicy: "IfNotPresent",
  command: [
    "tskube-proxy",
    `--config=${configFolder}/config.conf`,
    "--hostname-override=$(NODE_NAME)",
  ],
  env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
  // Ready means that the node's rules are in the kernel.
  readinessProbe: { httpGet: { path: "/healthz", port: proxyPorts.health }, periodSeconds: 2 },
  livenessProbe: {
    httpGet: { path: "/livez", port: proxyPorts.health },
    initialDelaySeconds: 20,
    failureThreshold: 5,
  },
  resources: { requests: { cpu: "50m", memory: "60Mi" } },
  // Rules of nftables in the machine's network, and nothing else of the machine.
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
    readOnlyRootFilesystem: true,
  },
  volumeMounts: [{ name, mountPath: configFolder, readOnly: true }],
});
