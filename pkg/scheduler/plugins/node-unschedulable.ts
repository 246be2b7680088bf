import type { Pod } from "../../../api/core/v1.ts";
import { fits, type Plugin } from "../framework.ts";
import { tolerates } from "../../machinery/tolerations.ts";

const cordon = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

const isTolerated = ({ spec }: Pod): boolean =>
  (spec?.tolerations ?? []).some((one) => tolerates(one, cordon));

/** Keeps pods off cordoned nodes, unless they tolerate the taint that stands for it. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  reads: ({ pod }) => (isTolerated(pod) ? "tolerates" : ""),
  wokenBy: {
    "node-added": ({ node }) => node.spec?.unschedulable !== true,
    "node-changed": ({ node, before }) =>
      before.spec?.unschedulable === true && node.spec?.unschedulable !== true,
  },
  filter: ({ pod }, { node }) =>
    node.spec?.unschedulable !== true || isTolerated(pod)
      ? fits
      : { fits: false, because: "node(s) were unschedulable", preemptionHelps: false },
};
