import type { Node, Taint, Toleration } from "../../api/core/v1.ts";
import { tolerates } from "../machinery/tolerations.ts";

/** Effects that keep a pod away. */
const hardEffects = ["NoSchedule", "NoExecute"];

/** The first taint that would keep a pod with these tolerations away. */
export const firstUntolerated = (
  { spec }: Node,
  tolerations: readonly Toleration[],
): Taint | undefined =>
  spec?.taints?.find(
    (taint) =>
      hardEffects.includes(taint.effect) && !tolerations.some((one) => tolerates(one, taint)),
  );

export const isUntolerated = (node: Node, tolerations: readonly Toleration[]): boolean =>
  firstUntolerated(node, tolerations) !== undefined;
