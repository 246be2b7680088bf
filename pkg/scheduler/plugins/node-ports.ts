import { always } from "../cluster-event.ts";
import { podDemand, type HostPortDemand } from "../pod-demand.ts";
import { fits, type Plugin } from "../framework.ts";

const anyAddress = "0.0.0.0";

/** The same port and protocol, and addresses of which one covers the other. */
const conflict = (a: HostPortDemand, b: HostPortDemand): boolean =>
  a.port === b.port &&
  a.protocol === b.protocol &&
  (a.ip === b.ip || a.ip === anyAddress || b.ip === anyAddress);

/** Keeps a pod off nodes on which its host ports are taken. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  reads: ({ demand: { hostPorts } }) => (hostPorts.length === 0 ? "" : JSON.stringify(hostPorts)),
  wokenBy: {
    "node-added": always,
    "pod-deleted": ({ pod }, { demand }) =>
      podDemand(pod).hostPorts.some((freed) =>
        demand.hostPorts.some((wanted) => conflict(wanted, freed)),
      ),
  },
  filter: ({ demand }, node) => {
    if (demand.hostPorts.length === 0) return fits;
    for (const used of node.usedPorts.values()) {
      const port = demand.hostPorts.find((wanted) => conflict(wanted, used));
      if (port === undefined) continue;
      const because = "node(s) didn't have free ports for the requested pod ports";
      return {
        fits: false,
        because,
        detail: `${port.protocol} ${port.port}`,
        preemptionHelps: true,
      };
    }
    return fits;
  },
};
