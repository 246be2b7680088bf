import { fits, type Plugin } from "../framework.ts";

/** spec.nodeName on a pod that is still to be scheduled: only that node will do. */
export const nodeName: Plugin = {
  name: "NodeName",
  reads: ({ pod }) => pod.spec?.nodeName ?? "",
  wokenBy: { "node-added": ({ node }, { pod }) => pod.spec?.nodeName === node.metadata?.name },
  filter: ({ pod }, node) =>
    (pod.spec?.nodeName ?? "") === "" || pod.spec?.nodeName === node.name
      ? fits
      : {
          fits: false,
          because: "node(s) didn't match the requested node name",
          preemptionHelps: false,
        },
};
