/** Objects for table tests of controllers. */
import type { Node, Pod, Service, Taint } from "../../../api/core/v1.ts";

export interface PodFacts {
  readonly uid?: string;
  readonly ip?: string;
  readonly node?: string;
  readonly ready?: boolean;
  readonly phase?: string;
  readonly deleting?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly tolerations?: Exclude<Pod["spec"], undefined>["tolerations"];
  readonly createdAt?: string;
  readonly portName?: string;
  readonly containerPort?: number;
}

export const pod = (name: string, facts: PodFacts = {}): Pod => ({
  metadata: {
    name,
    namespace: "default",
    uid: facts.uid ?? name,
    labels: facts.labels ?? { app: "web" },
    ...(facts.createdAt === undefined ? {} : { creationTimestamp: facts.createdAt }),
    ...(facts.deleting === true ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
  },
  spec: {
    containers: [
      {
        name: "main",
        ports: [{ name: facts.portName ?? "http", containerPort: facts.containerPort ?? 8080 }],
      },
    ],
    ...(facts.node === undefined ? {} : { nodeName: facts.node }),
    ...(facts.tolerations === undefined ? {} : { tolerations: facts.tolerations }),
  },
  status: {
    phase: facts.phase ?? "Running",
    ...(facts.ip === undefined ? {} : { podIP: facts.ip, podIPs: [{ ip: facts.ip }] }),
    conditions: [{ type: "Ready", status: facts.ready === false ? "False" : "True" }],
  },
});

export const service = (spec: Partial<Exclude<Service["spec"], undefined>> = {}): Service => ({
  metadata: { name: "web", namespace: "default", uid: "service", labels: { team: "a" } },
  spec: {
    clusterIP: "10.96.0.10",
    ipFamilies: ["IPv4"],
    selector: { app: "web" },
    ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }],
    ...spec,
  },
});

export interface NodeFacts {
  /** Status of the Ready condition; absent: the node never said anything. */
  readonly ready?: string;
  readonly zone?: string;
  readonly taints?: readonly Taint[];
  readonly unschedulable?: boolean;
}

export const node = (
  name: string,
  { ready, zone, taints, unschedulable }: NodeFacts = {},
): Node => ({
  metadata: {
    name,
    uid: name,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ...(zone === undefined ? {} : { labels: { "topology.kubernetes.io/zone": zone } }),
  },
  spec: {
    ...(taints === undefined ? {} : { taints }),
    ...(unschedulable === undefined ? {} : { unschedulable }),
  },
  status:
    ready === undefined
      ? {}
      : {
          conditions: [
            { type: "Ready", status: ready, lastHeartbeatTime: "2026-01-01T00:01:00Z" },
            { type: "NetworkUnavailable", status: "False" },
          ],
        },
});
