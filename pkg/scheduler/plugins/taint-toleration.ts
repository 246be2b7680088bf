import type { Taint, Toleration } from "../../../api/core/v1.ts";
import { tolerates } from "../../machinery/tolerations.ts";
import { differs } from "../cluster-event.ts";
import { fits, type Plugin } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import { firstUntolerated, isUntolerated } from "../taints.ts";

const none: readonly never[] = [];
const tolerationsOf = ({ pod }: QueuedPod): readonly Toleration[] => pod.spec?.tolerations ?? none;

const describe = ({ key, value }: Taint): string =>
  value === undefined || value === "" ? `{${key}: }` : `{${key}: ${value}}`;

/** Most soft taints that are not tolerated: 0; none: 100. */
function fewestBest(scores: Float64Array): void {
  let most = 0;
  for (const score of scores) if (score > most) most = score;
  for (let at = 0; at < scores.length; at++) {
    scores[at] = most === 0 ? 100 : 100 - Math.floor((100 * (scores[at] ?? 0)) / most);
  }
}

/** Keeps pods off nodes whose taints they do not tolerate; prefers nodes with fewer soft taints. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  reads: (pod) => JSON.stringify(tolerationsOf(pod)),
  wokenBy: {
    "node-added": ({ node }, pod) => !isUntolerated(node, tolerationsOf(pod)),
    "node-changed": ({ node, before }, pod) =>
      differs(node.spec?.taints, before.spec?.taints) && !isUntolerated(node, tolerationsOf(pod)),
  },
  filter: (pod, { node }) => {
    const taint = firstUntolerated(node, tolerationsOf(pod));
    if (taint === undefined) return fits;
    const because = `node(s) had untolerated taint ${describe(taint)}`;
    return { fits: false, because, preemptionHelps: false };
  },
  score: (pod, { node }) => {
    let intolerable = 0;
    for (const taint of node.spec?.taints ?? none) {
      if (taint.effect !== "PreferNoSchedule") continue;
      if (!tolerationsOf(pod).some((one) => tolerates(one, taint))) intolerable += 1;
    }
    return intolerable;
  },
  normalize: fewestBest,
};
