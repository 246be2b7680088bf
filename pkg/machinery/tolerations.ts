import type { Taint, Toleration } from "../../api/core/v1.ts";

/**
 * Whether one toleration accepts one taint: the scheduler and whoever evicts judge alike, or pods
 * would be moved for ever. Empty fields accept anything; an empty operator is Equal, and an empty
 * key needs Exists. Gt and Lt compare the taint's value with the toleration's as numbers
 * (KEP-5471).
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  const { key = "", operator = "", value = "", effect = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  switch (operator) {
    case "Exists":
      return true;
    case "":
    case "Equal":
      return key !== "" && value === (taint.value ?? "");
    case "Gt":
      return Number(taint.value) > Number(value);
    case "Lt":
      return Number(taint.value) < Number(value);
    default:
      return false;
  }
}
