/**
 * tskube-dns on every node behind the Service kube-dns, as every cluster's DNS is called. Pods ask
 * their own node's first, and any other where that one is not ready. Pure.
 */
import {
  clusterRoleBindings,
  clusterRoles,
  daemonSets,
  serviceAccounts,
  services,
} from "../../api/resources.ts";
import type { DaemonSet } from "../../api/apps/v1.ts";
import type { Container, EnvVar, Service, ServiceAccount } from "../../api/core/v1.ts";
import type { ClusterRole, ClusterRoleBinding } from "../../api/rbac/v1.ts";
import { dnsAddressOf, type ClusterSpec } from "./cluster-spec.ts";
import { want, type Wanted } from "./cluster-objects.ts";

const namespace = "kube-system";
const name = "tskube-dns";
const labels = { "k8s-app": "kube-dns" };
const healthPort = 8080;

export const dnsAddon = (spec: ClusterSpec): readonly Wanted[] => [
  want(serviceAccounts, {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { namespace, name },
  } satisfies ServiceAccount),
  want(clusterRoles, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "system:tskube-dns" },
    rules: [
      { apiGroups: [""], resources: ["services", "namespaces"], verbs: ["list", "watch"] },
      {
        apiGroups: ["discovery.k8s.io"],
        resources: ["endpointslices"],
        verbs: ["list", "watch"],
      },
    ],
  } satisfies ClusterRole),
  want(clusterRoleBindings, {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "system:tskube-dns" },
    roleRef: {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:tskube-dns",
    },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  } satisfies ClusterRoleBinding),
  want(services, dnsService(spec)),
  want(daemonSets, dnsDaemonSet(spec)),
];

const dnsService = (spec: ClusterSpec): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: {
    namespace,
    name: "kube-dns",
    labels: {
      ...labels,
      // What kubectl cluster-info looks for, and how it is called there.
      "kubernetes.io/cluster-service": "true",
      "kubernetes.io/name": "tskube-dns",
    },
  },
  spec: {
    clusterIP: dnsAddressOf(spec),
    selector: labels,
    trafficDistribution: "PreferSameNode",
    ports: [
      { name: "dns", port: 53, protocol: "UDP", targetPort: "dns" },
      { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: "dns-tcp" },
    ],
  },
});

const dnsDaemonSet = (spec: ClusterSpec): DaemonSet => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { namespace, name, labels },
  spec: {
    selector: { matchLabels: labels },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        priorityClassName: "system-node-critical",
        nodeSelector: { "kubernetes.io/os": "linux" },
        // Names that are not the cluster's are asked of the node's own servers.
        dnsPolicy: "Default",
        // What tolerates a node's taints has names to ask for there.
        tolerations: [{ operator: "Exists" }],
        containers: [dnsContainer(spec)],
      },
    },
  },
});

/** host:port as the variables by which a pod finds the API. */
function serverAt(endpoint: string): readonly EnvVar[] {
  const at = endpoint.lastIndexOf(":");
  return [
    { name: "KUBERNETES_SERVICE_HOST", value: endpoint.slice(0, at).replaceAll(/[[\]]/g, "") },
    { name: "KUBERNETES_SERVICE_PORT", value: endpoint.slice(at + 1) },
  ];
}

const dnsContainer = ({ images, dnsDomain, controlPlaneEndpoint }: ClusterSpec): Container => ({
  name,
  image: images.tskube,
  imagePullPolicy: "IfNotPresent",
  command: ["tskube-dns", `--zone=${dnsDomain}`, `--health-port=${healthPort}`],
  // The control plane itself: its Service works only once the node's proxy has seen to it.
  env: serverAt(controlPlaneEndpoint),
  ports: [
    { name: "dns", containerPort: 53, protocol: "UDP" },
    { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
  ],
  readinessProbe: { httpGet: { path: "/ready", port: healthPort }, periodSeconds: 2 },
  livenessProbe: {
    httpGet: { path: "/live", port: healthPort },
    initialDelaySeconds: 20,
    failureThreshold: 5,
  },
  // It goes on answering until every node's rules have left it out.
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
  resources: { requests: { cpu: "100m", memory: "70Mi" }, limits: { memory: "170Mi" } },
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
    readOnlyRootFilesystem: true,
  },
});
