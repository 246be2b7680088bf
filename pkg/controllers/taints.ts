import type { Taint } from "../../api/core/v1.ts";

export const notReadyTaint = "node.kubernetes.io/not-ready";
export const unreachableTaint = "node.kubernetes.io/unreachable";

export const isNoExecute = ({ effect }: Taint): boolean => effect === "NoExecute";
