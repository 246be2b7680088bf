/** What `tsadm init` writes into a new cluster, as objects. Pure. */
import { stringify } from "yaml";
import type { ConfigMap } from "../../api/core/v1.ts";
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  Subject,
} from "../../api/rbac/v1.ts";
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  roleBindings,
  roles,
} from "../../api/resources.ts";
import { joinGroup } from "./join-token.ts";
import { adminGroup, dnsAddressOf, serverUrlOf, type ClusterSpec } from "./cluster-spec.ts";
import { clusterConfiguration } from "./configuration.ts";
import { kubeletConfigurationText } from "./kubelet-configuration.ts";

/** An object with its kind, for whoever writes it. */
export interface Wanted {
  readonly ref: ResourceRef;
  readonly object: KubeObject;
}

export const want = <T extends KubeObject>(ref: ResourceRef<T>, object: T): Wanted => ({
  ref: ref as unknown as ResourceRef,
  object,
});

const system = "kube-system";
const rbacGroup = "rbac.authorization.k8s.io";
export const group = (name: string): Subject => ({ kind: "Group", name, apiGroup: rbacGroup });

export const bindClusterRole = (name: string, role: string, subjects: readonly Subject[]): Wanted =>
  want(clusterRoleBindings, {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: role },
    subjects,
  } satisfies ClusterRoleBinding);

/** A Role that reads one ConfigMap, and its binding of the same name. */
export function readableBy(
  place: { readonly namespace: string; readonly name: string },
  configMap: string,
  subjects: readonly Subject[],
): readonly Wanted[] {
  const role: Role = {
    apiVersion: `${rbacGroup}/v1`,
    kind: "Role",
    metadata: place,
    rules: [
      { apiGroups: [""], resources: ["configmaps"], resourceNames: [configMap], verbs: ["get"] },
    ],
  };
  const binding: RoleBinding = {
    apiVersion: `${rbacGroup}/v1`,
    kind: "RoleBinding",
    metadata: place,
    roleRef: { apiGroup: rbacGroup, kind: "Role", name: place.name },
    subjects,
  };
  return [want(roles, role), want(roleBindings, binding)];
}

const configMap = (
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): Wanted =>
  want(configMaps, {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name },
    data,
  } satisfies ConfigMap);

const nodesAndJoiners = [group("system:nodes"), group(joinGroup)];

/** Written as super-admin: it makes admin.conf able. */
export const adminBinding = (): Wanted =>
  bindClusterRole("kubeadm:cluster-admins", "cluster-admin", [group(adminGroup)]);

/** What every kubelet of the cluster is told, KubeletConfiguration as YAML. */
export const clusterKubeletText = (spec: ClusterSpec): string =>
  kubeletConfigurationText(
    { clusterDns: [dnsAddressOf(spec)], clusterDomain: spec.dnsDomain },
    spec.kubelet,
  );

/**
 * Every machine keeps routes to the others' pods, so it must know them: the node authoriser alone
 * shows a node nothing but itself.
 */
const seeNodes: ClusterRole = {
  apiVersion: `${rbacGroup}/v1`,
  kind: "ClusterRole",
  metadata: { name: "tskube:node-network" },
  rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["list", "watch"] }],
};

/** First of all: no node is Ready before its network is. */
const networkRights = (): readonly Wanted[] => [
  want(clusterRoles, seeNodes),
  bindClusterRole("tskube:node-network", "tskube:node-network", [group("system:nodes")]),
];

/** What joining machines read, and who may. */
export const configObjects = (spec: ClusterSpec): readonly Wanted[] => [
  ...networkRights(),
  configMap(system, "kubeadm-config", { ClusterConfiguration: clusterConfiguration(spec) }),
  ...readableBy(
    { namespace: system, name: "kubeadm:nodes-kubeadm-config" },
    "kubeadm-config",
    nodesAndJoiners,
  ),
  configMap(system, "kubelet-config", {
    kubelet: clusterKubeletText(spec),
  }),
  ...readableBy(
    { namespace: system, name: "kubeadm:kubelet-config" },
    "kubelet-config",
    nodesAndJoiners,
  ),
];

const getNodes: ClusterRole = {
  apiVersion: `${rbacGroup}/v1`,
  kind: "ClusterRole",
  metadata: { name: "kubeadm:get-nodes" },
  rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }],
};

/** Nodes may have the names under which they serve certified without a person. */
const serveAsNode: ClusterRole = {
  apiVersion: `${rbacGroup}/v1`,
  kind: "ClusterRole",
  metadata: { name: "tskube:selfnodeserver" },
  rules: [
    {
      apiGroups: ["certificates.k8s.io"],
      resources: ["certificatesigningrequests/selfnodeserver"],
      verbs: ["create"],
    },
  ],
};

/** What the controller that approves them needs beside its own role. */
const approveServing: ClusterRole = {
  apiVersion: `${rbacGroup}/v1`,
  kind: "ClusterRole",
  metadata: { name: "tskube:approve-kubelet-serving" },
  rules: [
    {
      apiGroups: ["certificates.k8s.io"],
      resources: ["signers"],
      resourceNames: ["kubernetes.io/kubelet-serving"],
      verbs: ["approve"],
    },
  ],
};

/**
 * What a bearer of a bootstrap token may do: ask for a node's certificate, which is then approved.
 */
export const joinRights = (): readonly Wanted[] => [
  bindClusterRole("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", [group(joinGroup)]),
  bindClusterRole(
    "kubeadm:node-autoapprove-bootstrap",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    [group(joinGroup)],
  ),
  bindClusterRole(
    "kubeadm:node-autoapprove-certificate-rotation",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    [group("system:nodes")],
  ),
  want(clusterRoles, getNodes),
  bindClusterRole("kubeadm:get-nodes", "kubeadm:get-nodes", [group(joinGroup)]),
  want(clusterRoles, serveAsNode),
  bindClusterRole("tskube:selfnodeserver", "tskube:selfnodeserver", [group("system:nodes")]),
  want(clusterRoles, approveServing),
  bindClusterRole("tskube:approve-kubelet-serving", "tskube:approve-kubelet-serving", [
    { kind: "ServiceAccount", namespace: system, name: "certificate-controller" },
  ]),
];

/**
 * Where the cluster is and what signs its certificates, for everybody to read: the bootstrap signer
 * puts a signature with each token beside it.
 */
export const clusterInfo = (spec: ClusterSpec, authority: string): readonly Wanted[] => [
  configMap("kube-public", "cluster-info", {
    kubeconfig: stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "",
          cluster: {
            "certificate-authority-data": Buffer.from(authority).toString("base64"),
            server: serverUrlOf(spec),
          },
        },
      ],
      contexts: null,
      "current-context": "",
      users: null,
    }),
  }),
  ...readableBy(
    { namespace: "kube-public", name: "kubeadm:bootstrap-signer-clusterinfo" },
    "cluster-info",
    [{ kind: "User", name: "system:anonymous", apiGroup: rbacGroup }],
  ),
];
