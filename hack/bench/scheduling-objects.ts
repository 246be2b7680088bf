/** Nodes and pods as upstream's load generator of scheduling makes them. */

/**
 * basic: requests and nothing else; spread: one zone constraint that must hold; affinity: soft
 * anti-affinity by node; owned: of a ReplicaSet, so that the default spreading applies.
 */
export const kinds = ["basic", "spread", "affinity", "owned"] as const;
export type Kind = (typeof kinds)[number];

export const namespace = "bench";
const capacity = { cpu: "4", memory: "32Gi", pods: "110" };
const labelSelector = { matchLabels: { app: "a" } };

export function nodeOf(index: number): object {
  const name = `node-${String(index).padStart(5, "0")}`;
  const zone = `zone-${index % 10}`;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone },
    },
    spec: {},
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "ready" }],
    },
  };
}

const extras: Readonly<Record<Kind, object>> = {
  basic: {},
  owned: {},
  spread: {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "topology.kubernetes.io/zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector,
      },
    ],
  },
  affinity: {
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector } },
        ],
      },
    },
  },
};

export const podOf = (index: number, kind: Kind): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `p-${String(index).padStart(6, "0")}`, labels: { app: "a" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "pause",
        resources: { requests: { cpu: "10m", memory: "50Mi" } },
      },
    ],
    ...extras[kind],
  },
});
