import { matchesTerm, requiresNode } from "../../machinery/node-selector.ts";
import type { QueuedPod, Plugin } from "../framework.ts";
import { fits } from "../framework.ts";

const preferencesOf = ({ pod }: QueuedPod) =>
  pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];

export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  wokenBy: (event, { pod }) => event.type !== "pod-deleted" && requiresNode(pod, event.node),
  filter: ({ pod }, { node }) =>
    requiresNode(pod, node)
      ? fits
      : {
          fits: false,
          because: "node(s) didn't match Pod's node affinity/selector",
          preemptionHelps: false,
        },
  score: (pod, { node }) =>
    preferencesOf(pod).reduce(
      (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
      0,
    ),
  normalize: (scores) => {
    const best = scores.reduce((most, one) => Math.max(most, one), 0);
    if (best > 0) scores.forEach((score, at) => (scores[at] = (score * 100) / best));
  },
};
