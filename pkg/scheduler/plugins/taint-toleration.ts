import type { Taint, Toleration } from "../../../api/core/v1.ts";
import { tolerates } from "../../machinery/tolerations.ts";
import type { NodeState } from "../node-state.ts";
import { fits, type Plugin } from "../framework.ts";

const none: readonly never[] = [];

export const firstUntolerated = (
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  effects: readonly string[],
): Taint | undefined =>
  taints.find(
    (taint) => effects.includes(taint.effect) && !tolerations.some((one) => tolerates(one, taint)),
  );

const hardEffects = ["NoSchedule", "NoExecute"];
const taintsOf = (node: NodeState): readonly Taint[] => node.node.spec?.taints ?? none;

const describe = ({ key, value }: Taint): string =>
  value === undefined || value === "" ? `{${key}: }` : `{${key}: ${value}}`;

/** Keeps pods off nodes whose taints they do not tolerate; prefers nodes with fewer soft taints. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  wokenBy: (event) => event.type !== "pod-deleted",
  filter: ({ pod }, node) => {
    const taints = taintsOf(node);
    if (taints.length === 0) return fits;
    const taint = firstUntolerated(taints, pod.spec?.tolerations ?? none, hardEffects);
    if (taint === undefined) return fits;
    const because = `node(s) had untolerated taint ${describe(taint)}`;
    return { fits: false, because, preemptionHelps: false };
  },
  score: ({ pod }, node) => {
    let intolerable = 0;
    for (const taint of taintsOf(node)) {
      if (taint.effect !== "PreferNoSchedule") continue;
      if (!(pod.spec?.tolerations ?? none).some((one) => tolerates(one, taint))) intolerable++;
    }
    return -intolerable;
  },
  normalize: (scores) => {
    const worst = -scores.reduce((least, one) => Math.min(least, one), 0);
    scores.forEach((score, at) => (scores[at] = worst === 0 ? 100 : 100 + (score * 100) / worst));
  },
};
