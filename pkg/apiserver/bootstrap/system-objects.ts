/** What every cluster has from its first second: namespaces, and the way to this server. Pure. */
import type { Endpoints, Namespace, Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";

export const systemNamespaces = [
  "default",
  "kube-system",
  "kube-public",
  "kube-node-lease",
] as const;

export const namespaceObject = (name: string): Namespace => ({
  kind: "Namespace",
  apiVersion: "v1",
  metadata: { name },
});

/** The Service by which pods reach this server has this name, in the namespace "default". */
export const serviceName = "kubernetes";
const portName = "https";
const servicePort = 443;

export interface Advertised {
  /** Textual IP address. */
  readonly address: string;
  readonly port: number;
}

/** "10.0.0.1:6443"; undefined when the host is no address that a pod could use. */
export function parseAdvertised(text: string): Advertised | undefined {
  const [, address = "", port = ""] = /^(\d+\.\d+\.\d+\.\d+):(\d+)$/.exec(text) ?? [];
  return address === "" ? undefined : { address, port: Number(port) };
}

export const kubernetesService = (clusterIP: string, { port }: Advertised): Service => ({
  kind: "Service",
  apiVersion: "v1",
  metadata: {
    name: serviceName,
    namespace: "default",
    labels: { component: "apiserver", provider: "kubernetes" },
  },
  spec: {
    type: "ClusterIP",
    clusterIP,
    clusterIPs: [clusterIP],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    internalTrafficPolicy: "Cluster",
    sessionAffinity: "None",
    ports: [{ name: portName, protocol: "TCP", port: servicePort, targetPort: port }],
  },
});

export const kubernetesEndpoints = ({ address, port }: Advertised): Endpoints => ({
  kind: "Endpoints",
  apiVersion: "v1",
  metadata: {
    name: serviceName,
    namespace: "default",
    // This server keeps the slice itself: nobody is to make another of these endpoints.
    labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
  },
  subsets: [{ addresses: [{ ip: address }], ports: [{ name: portName, port, protocol: "TCP" }] }],
});

export const kubernetesSlice = ({ address, port }: Advertised): EndpointSlice => ({
  kind: "EndpointSlice",
  apiVersion: "discovery.k8s.io/v1",
  metadata: {
    name: serviceName,
    namespace: "default",
    labels: { "kubernetes.io/service-name": serviceName },
  },
  addressType: "IPv4",
  endpoints: [{ addresses: [address], conditions: { ready: true } }],
  ports: [{ name: portName, port, protocol: "TCP" }],
});
