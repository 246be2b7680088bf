/**
 * What describe says of a kind, beyond name, namespace and events: one function a kind, one line
 * each in the list at the end. Kinds without one are shown field by field. Pure.
 */
import type { Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import type { ConfigMap, Node, Pod, Secret, Service } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { describePod } from "./pod.ts";
import { pairs, type Section } from "./sections.ts";

type Loose = Readonly<Record<string, unknown>>;

const labelsOf = ({ metadata }: KubeObject): readonly Section[] => [
  ["Labels", pairs(metadata?.labels)],
  ["Annotations", pairs(metadata?.annotations, ": ")],
];

const conditionTable = (
  conditions:
    | readonly {
        readonly type: string;
        readonly status: string;
        readonly reason?: string;
        readonly message?: string;
      }[]
    | undefined,
): Section => ({
  heading: "Conditions",
  table: [
    ["Type", "Status", "Reason", "Message"],
    ...(conditions ?? []).map((one) => [one.type, one.status, one.reason ?? "", one.message ?? ""]),
  ],
});

function describeDeployment(deployment: Deployment): readonly Section[] {
  const { spec, status } = deployment;
  const rolling = spec?.strategy?.rollingUpdate;
  return [
    ["CreationTimestamp", deployment.metadata?.creationTimestamp ?? ""],
    ...labelsOf(deployment),
    ["Selector", pairs(spec?.selector?.matchLabels).join(",")],
    [
      "Replicas",
      `${spec?.replicas ?? 0} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`,
    ],
    ["StrategyType", spec?.strategy?.type],
    ["MinReadySeconds", spec?.minReadySeconds ?? 0],
    ...(rolling === undefined
      ? []
      : ([
          [
            "RollingUpdateStrategy",
            `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`,
          ],
        ] as const)),
    { heading: "Pod Template", sections: templateSections(spec?.template) },
    conditionTable(status?.conditions),
  ];
}

function templateSections(
  template: NonNullable<Deployment["spec"]>["template"] | undefined,
): readonly Section[] {
  const pod = describePod((template ?? {}) as Pod);
  const wanted = new Set([
    "Labels",
    "Annotations",
    "Service Account",
    "Init Containers",
    "Containers",
    "Volumes",
  ]);
  return pod.filter((section) => wanted.has("heading" in section ? section.heading : section[0]));
}

function describeReplicaSet(replicaSet: ReplicaSet): readonly Section[] {
  const { spec, status, metadata } = replicaSet;
  const owner = metadata?.ownerReferences?.find((one) => one.controller === true);
  return [
    ["Selector", pairs(spec?.selector?.matchLabels).join(",")],
    ...labelsOf(replicaSet),
    ...(owner === undefined ? [] : ([["Controlled By", `${owner.kind}/${owner.name}`]] as const)),
    ["Replicas", `${status?.replicas ?? 0} current / ${spec?.replicas ?? 0} desired`],
    ["Ready", status?.readyReplicas ?? 0],
    { heading: "Pod Template", sections: templateSections(spec?.template) },
  ];
}

function describeService(service: Service): readonly Section[] {
  const { spec } = service;
  return [
    ...labelsOf(service),
    ["Selector", pairs(spec?.selector).join(",") || "<none>"],
    ["Type", spec?.type],
    ["IP Families", (spec?.ipFamilies ?? []).join(",")],
    ["IP", spec?.clusterIP],
    ["IPs", (spec?.clusterIPs ?? []).join(",")],
    ...(spec?.externalName === undefined ? [] : ([["External Name", spec.externalName]] as const)),
    ...(spec?.ports ?? []).flatMap((port): readonly Section[] => [
      ["Port", `${port.name ?? "<unset>"}  ${port.port}/${port.protocol ?? "TCP"}`],
      ["TargetPort", `${port.targetPort}/${port.protocol ?? "TCP"}`],
      ...(port.nodePort === undefined || port.nodePort === 0
        ? []
        : ([["NodePort", `${port.nodePort}/${port.protocol ?? "TCP"}`]] as const)),
    ]),
    ["Session Affinity", spec?.sessionAffinity],
    ["Internal Traffic Policy", spec?.internalTrafficPolicy],
  ];
}

function describeNode(node: Node): readonly Section[] {
  const { spec, status } = node;
  const taints = (spec?.taints ?? []).map(
    ({ key, value, effect }) =>
      `${key}${value === undefined || value === "" ? "" : `=${value}`}:${effect}`,
  );
  const roles = Object.keys(node.metadata?.labels ?? {})
    .filter((label) => label.startsWith("node-role.kubernetes.io/"))
    .map((label) => label.slice("node-role.kubernetes.io/".length));
  const list = (resources: Readonly<Record<string, string>> | undefined): readonly Section[] =>
    Object.entries(resources ?? {}).map(([name, value]) => [name, value]);
  return [
    ["Roles", roles.join(",") || "<none>"],
    ...labelsOf(node),
    ["CreationTimestamp", node.metadata?.creationTimestamp ?? ""],
    ["Taints", taints],
    ["Unschedulable", spec?.unschedulable === true],
    conditionTable(status?.conditions),
    {
      heading: "Addresses",
      sections: (status?.addresses ?? []).map(({ type, address }): Section => [type, address]),
    },
    { heading: "Capacity", sections: list(status?.capacity) },
    { heading: "Allocatable", sections: list(status?.allocatable) },
    {
      heading: "System Info",
      sections: fieldSections((status?.nodeInfo ?? {}) as unknown as Loose),
    },
    ["PodCIDR", spec?.podCIDR],
  ];
}

function describeConfigMap(configMap: ConfigMap): readonly Section[] {
  const entries = Object.entries(configMap.data ?? {}).map(([key, value]): Section => [
    key,
    value.replace(/\n$/, "").split("\n"),
  ]);
  const binary = Object.entries(configMap.binaryData ?? {}).map(([key, value]): Section => [
    key,
    `${byteCount(value)} bytes`,
  ]);
  return [
    ...labelsOf(configMap),
    { heading: "Data", sections: entries },
    { heading: "BinaryData", sections: binary },
  ];
}

/** Bytes behind base64 text. */
const byteCount = (base64: string): number =>
  Math.floor((base64.length * 3) / 4) - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);

/** Never shows a secret's values: how long they are is all that is told. */
function describeSecret(secret: Secret): readonly Section[] {
  const sections = Object.entries(secret.data ?? {}).map(([key, value]): Section => [
    key,
    `${byteCount(value)} bytes`,
  ]);
  return [...labelsOf(secret), ["Type", secret.type], { heading: "Data", sections }];
}

/** "podCIDR" → "Pod CIDR". */
const title = (field: string): string =>
  field.charAt(0).toUpperCase() + field.slice(1).replace(/([a-z])([A-Z])/g, "$1 $2");

/** Field by field, for kinds without a describer of their own. */
export function fieldSections(object: Loose): readonly Section[] {
  return Object.entries(object).map(([key, value]): Section => {
    if (Array.isArray(value)) {
      const scalars = value.every((one) => typeof one !== "object");
      if (scalars) return [title(key), value.map(String)];
      return { heading: title(key), sections: value.flatMap((one) => fieldSections(one as Loose)) };
    }
    if (typeof value === "object" && value !== null)
      return { heading: title(key), sections: fieldSections(value as Loose) };
    return [title(key), String(value)];
  });
}

function describeAny(object: KubeObject): readonly Section[] {
  const { metadata: _metadata, apiVersion, kind, ...fields } = object as KubeObject & Loose;
  return [
    ...labelsOf(object),
    ["API Version", apiVersion],
    ["Kind", kind],
    ...fieldSections(fields),
  ];
}

const describers: Readonly<Record<string, (object: never) => readonly Section[]>> = {
  Pod: describePod,
  Deployment: describeDeployment,
  ReplicaSet: describeReplicaSet,
  Service: describeService,
  Node: describeNode,
  ConfigMap: describeConfigMap,
  Secret: describeSecret,
} satisfies { Pod: (pod: Pod) => readonly Section[] } & Readonly<Record<string, unknown>>;

export function describeObject(object: KubeObject): readonly Section[] {
  const describer = describers[object.kind ?? ""] as
    | ((object: KubeObject) => readonly Section[])
    | undefined;
  const { name, namespace } = object.metadata ?? {};
  return [
    ["Name", name],
    ...(namespace === undefined ? [] : ([["Namespace", namespace]] as const)),
    ...(describer ?? describeAny)(object),
  ];
}
