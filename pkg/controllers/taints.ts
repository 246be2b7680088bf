import type { Taint, Toleration } from "../../api/core/v1.ts";

export const notReadyTaint = "node.kubernetes.io/not-ready";
export const unreachableTaint = "node.kubernetes.io/unreachable";

/** Whether a toleration covers a taint, as the scheduler and the kubelet judge it. */
export const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  const { key = "", operator = "Equal", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (key === "" && operator !== "Exists") return false;
  return operator === "Exists" || value === (taint.value ?? "");
};

export const isNoExecute = ({ effect }: Taint): boolean => effect === "NoExecute";
