/** Small things that every pod or node gets, each a plugin of its own. */
import type { Node, Pod, Taint, Toleration } from "../../../api/core/v1.ts";
import type { AdmissionPlugin } from "./admission.ts";

const tolerationSeconds = 300;
const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";

const tolerates = (tolerations: readonly Toleration[], key: string): boolean =>
  tolerations.some(
    (one) =>
      ((one.key ?? "") === key || (one.key ?? "") === "") &&
      ((one.effect ?? "") === "NoExecute" || (one.effect ?? "") === ""),
  );

/** A pod stays five minutes on a node that is silent, unless it says otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  verbs: ["create"],
  resources: ["pods"],
  admit: ({ object }) => {
    const pod = object as Pod;
    const tolerations = pod.spec?.tolerations ?? [];
    const added = [notReady, unreachable]
      .filter((key) => !tolerates(tolerations, key))
      .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }));
    if (added.length === 0) return undefined;
    return { ...pod, spec: { ...pod.spec, tolerations: [...tolerations, ...added] } } as Pod;
  },
};

/** A new node takes no pods until it is known to be ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  verbs: ["create"],
  resources: ["nodes"],
  admit: ({ object }) => {
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    const taint: Taint = { key: notReady, effect: "NoSchedule" };
    if (taints.some(({ key, effect }) => key === taint.key && effect === taint.effect)) {
      return undefined;
    }
    return { ...node, spec: { ...node.spec, taints: [...taints, taint] } } as Node;
  },
};
