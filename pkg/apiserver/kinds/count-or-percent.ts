/** How many pods a rollout may have too many or too few: a count, or a share in percent. */
import type { IntOrString } from "../../../api/meta/v1.ts";
import { invalid } from "../../machinery/field-error.ts";
import { checkNotNegative, type Errors, none } from "./rules.ts";

/** The number before the percent sign, or the count itself; 0 for a text that is neither. */
export const percentOf = (value: IntOrString): number =>
  typeof value === "number" ? value : Number.parseInt(value, 10) || 0;

export function checkCountOrPercent(path: string, value: IntOrString): Errors {
  if (typeof value === "number") return checkNotNegative(path, value);
  const why =
    "a valid percent string must be a numeric string followed by an ending '%' " +
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  return /^\d+%$/.test(value) ? none : [invalid(path, value, why)];
}

export const checkAtMostAll = (path: string, value: IntOrString): Errors =>
  typeof value === "string" && percentOf(value) > 100
    ? [invalid(path, value, "must not be greater than 100%")]
    : none;
