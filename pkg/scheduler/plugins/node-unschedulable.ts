import { fits, type Plugin } from "../framework.ts";
import { tolerates } from "../../machinery/tolerations.ts";

const cordon = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** Keeps pods off cordoned nodes, unless they tolerate the taint that stands for it. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  wokenBy: (event) => event.type !== "pod-deleted",
  filter: ({ pod }, { node }) =>
    node.spec?.unschedulable !== true ||
    (pod.spec?.tolerations ?? []).some((one) => tolerates(one, cordon))
      ? fits
      : { fits: false, because: "node(s) were unschedulable", preemptionHelps: false },
};
