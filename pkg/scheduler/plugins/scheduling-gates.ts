import type { Plugin } from "../framework.ts";

/** A pod with gates waits until all of them are taken away (KEP-3521). */
export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  preEnqueue: (pod) => {
    const gates = pod.spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return `waiting for scheduling gates: [${gates.map((gate) => gate.name).join(" ")}]`;
  },
};
