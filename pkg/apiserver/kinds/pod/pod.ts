import type { Pod, PodStatus } from "../../../../api/core/v1.ts";
import { pods as ref } from "../../../../api/resources.ts";
import type { Resource } from "../../resource.ts";
import { ageColumn, nameColumn, orNone, textColumn, wide } from "../columns.ts";
import { defaultPod } from "./defaults.ts";
import { withLabelKeys } from "./label-keys.ts";
import { qosClassOf } from "./qos.ts";
import { readinessGatesText, readyText, restartsText, statusText } from "./status-text.ts";
import { validatePodStatus } from "./status-validation.ts";
import { validatePod } from "./validation.ts";

const isOver = ({ status }: Pod): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

function newStatus(pod: Pod): PodStatus {
  const gated = (pod.spec?.schedulingGates?.length ?? 0) > 0;
  const condition = {
    type: "PodScheduled",
    status: "False",
    reason: "SchedulingGated",
    message: "Scheduling is blocked due to non-empty scheduling gates",
    // The server has just written the hour of birth, which is the hour of this condition.
    lastTransitionTime: pod.metadata?.creationTimestamp ?? "",
  };
  const status = { phase: "Pending", qosClass: qosClassOf(pod) };
  return gated ? { ...status, conditions: [condition] } : status;
}

/** What a write of the status left out of what is set once, stays; and whose the pod is. */
function keepFacts(pod: Pod, before: Pod): Pod {
  const { ownerReferences: _sent, ...metadata } = pod.metadata ?? {};
  const { ownerReferences } = before.metadata ?? {};
  const qosClass = pod.status?.qosClass || before.status?.qosClass;
  return {
    ...pod,
    metadata: { ...metadata, ...(ownerReferences === undefined ? {} : { ownerReferences }) },
    status: { ...pod.status, ...(qosClass === undefined ? {} : { qosClass }) },
  };
}

const primaryAddress = ({ status }: Pod): string => status?.podIPs?.[0]?.ip ?? status?.podIP ?? "";

export const pods: Resource<Pod> = {
  ref,
  storagePrefix: "/registry/pods",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn("Ready", readyText),
    textColumn("Status", statusText),
    textColumn("Restarts", restartsText),
    ageColumn,
    wide(textColumn("IP", (pod) => orNone(primaryAddress(pod)))),
    wide(textColumn("Node", ({ spec }) => orNone(spec?.nodeName))),
    wide(textColumn("Nominated Node", ({ status }) => orNone(status?.nominatedNodeName))),
    wide(textColumn("Readiness Gates", readinessGatesText)),
  ],
  fieldLabels: {
    "spec.nodeName": ({ spec }) => spec?.nodeName ?? "",
    "spec.restartPolicy": ({ spec }) => spec?.restartPolicy ?? "",
    "spec.schedulerName": ({ spec }) => spec?.schedulerName ?? "",
    "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName ?? "",
    "spec.hostNetwork": ({ spec }) => String(spec?.hostNetwork ?? false),
    "status.phase": ({ status }) => status?.phase ?? "",
    "status.podIP": primaryAddress,
    "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName ?? "",
  },
  indexedFields: ["spec.nodeName"],
  defaults: defaultPod,
  prepareForCreate: (pod) => ({
    ...pod,
    ...(pod.spec === undefined ? {} : { spec: withLabelKeys(pod.spec, pod.metadata?.labels) }),
    status: newStatus(pod),
  }),
  validate: validatePod,
  status: { prepareForUpdate: keepFacts, validate: validatePodStatus },
  countsGenerations: true,
  // Nobody is there to end a pod gracefully when it has no node, and nothing runs when it is over.
  gracePeriodSeconds: (pod) =>
    (pod.spec?.nodeName ?? "") === "" || isOver(pod)
      ? undefined
      : (pod.spec?.terminationGracePeriodSeconds ?? 0),
  returnsDeleted: true,
};
