/** The pod that a DaemonSet wants on one node, and whether it may be there. Pure. */
import type { DaemonSet } from "../../../api/apps/v1.ts";
import type { Affinity, Node, Pod, PodSpec, Taint, Toleration } from "../../../api/core/v1.ts";
import { daemonSets } from "../../../api/resources.ts";
import { controllerReference } from "../../controller/owner.ts";
import { requiresNode } from "../../machinery/node-selector.ts";
import { tolerates } from "../../machinery/tolerations.ts";
import { notReadyTaint, unreachableTaint } from "../taints.ts";

/** Ties a pod to the ControllerRevision that it was made of. */
export const revisionHashLabel = "controller-revision-hash";
const generationLabel = "pod-template-generation";
const generationAnnotation = "deprecated.daemonset.template.generation";

const nodeNameField = "metadata.name";

const exists = (key: string, effect: string): Toleration => ({ key, operator: "Exists", effect });

/** What the pods of a node must outlive: its daemons are there to repair it. */
const daemonTolerations: readonly Toleration[] = [
  exists(notReadyTaint, "NoExecute"),
  exists(unreachableTaint, "NoExecute"),
  exists("node.kubernetes.io/disk-pressure", "NoSchedule"),
  exists("node.kubernetes.io/memory-pressure", "NoSchedule"),
  exists("node.kubernetes.io/pid-pressure", "NoSchedule"),
  exists("node.kubernetes.io/unschedulable", "NoSchedule"),
];
const networkTolerations: readonly Toleration[] = [
  exists("node.kubernetes.io/network-unavailable", "NoSchedule"),
];

const isSame = (one: Toleration, other: Toleration): boolean =>
  one.key === other.key &&
  one.effect === other.effect &&
  (one.operator ?? "Equal") === (other.operator ?? "Equal") &&
  (one.value ?? "") === (other.value ?? "");

/** The template's tolerations and those that every daemon has. */
export function tolerationsOf({ tolerations = [], hostNetwork }: PodSpec): readonly Toleration[] {
  const wanted =
    hostNetwork === true ? [...daemonTolerations, ...networkTolerations] : daemonTolerations;
  const others = tolerations.filter((own) => !wanted.some((one) => isSame(own, one)));
  return [...others, ...wanted];
}

/** Only the node's own name counts: other required terms were held against the node before. */
const affinityTo = (nodeName: string, affinity: Affinity | undefined): Affinity => ({
  ...affinity,
  nodeAffinity: {
    ...affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchFields: [{ key: nodeNameField, operator: "In", values: [nodeName] }] },
      ],
    },
  },
});

const templateSpecOf = ({ spec }: DaemonSet): PodSpec => spec.template.spec ?? { containers: [] };

/** To be created: the scheduler binds it to the node that its affinity names. */
export function podFor(daemonSet: DaemonSet, nodeName: string, hash: string): Pod {
  const { labels, annotations, finalizers } = daemonSet.spec.template.metadata ?? {};
  const spec = templateSpecOf(daemonSet);
  const generation = daemonSet.metadata?.annotations?.[generationAnnotation];
  return {
    metadata: {
      generateName: `${daemonSet.metadata?.name ?? ""}-`,
      namespace: daemonSet.metadata?.namespace ?? "",
      labels: {
        ...labels,
        [revisionHashLabel]: hash,
        ...(generation === undefined ? {} : { [generationLabel]: generation }),
      },
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(daemonSets, daemonSet)],
    },
    spec: {
      ...spec,
      affinity: affinityTo(nodeName, spec.affinity),
      tolerations: tolerationsOf(spec),
    },
  };
}

/** Made of the current template. */
export function isUpdated(pod: Pod, daemonSet: DaemonSet, hash: string): boolean {
  const labels = pod.metadata?.labels ?? {};
  if (labels[revisionHashLabel] === hash) return true;
  const generation = daemonSet.metadata?.annotations?.[generationAnnotation];
  return generation !== undefined && labels[generationLabel] === generation;
}

/** The node that the pod is on, or that it is made for. */
export function targetNodeOf({ spec }: Pod): string | undefined {
  if ((spec?.nodeName ?? "") !== "") return spec?.nodeName;
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms
    ?.flatMap(({ matchFields = [] }) => matchFields)
    .find(({ key, operator }) => key === nodeNameField && operator === "In")?.values?.[0];
}

export interface Suitability {
  /** A pod should be there. */
  readonly shouldRun: boolean;
  /** One that is there may stay. */
  readonly mayStay: boolean;
}

/** Judges nodes for one DaemonSet. */
export function suitability(daemonSet: DaemonSet): (node: Node) => Suitability {
  const spec = templateSpecOf(daemonSet);
  const pod: Pod = { spec };
  const tolerations = tolerationsOf(spec);
  const isTolerated = (taint: Taint): boolean => tolerations.some((one) => tolerates(one, taint));
  return (node) => {
    const isNamed = (spec.nodeName ?? "") === "" || spec.nodeName === node.metadata?.name;
    if (!isNamed || !requiresNode(pod, node)) return { shouldRun: false, mayStay: false };
    const untolerated = (node.spec?.taints ?? []).filter((taint) => !isTolerated(taint));
    const evicts = untolerated.some(({ effect }) => effect === "NoExecute");
    const repels = evicts || untolerated.some(({ effect }) => effect === "NoSchedule");
    return { shouldRun: !repels, mayStay: !evicts };
  };
}
