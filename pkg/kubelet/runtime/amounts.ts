import type { ResourceRequirements } from "../../../api/core/v1.ts";
import type { Quantity } from "../../../api/meta/v1.ts";
import { parseQuantity, quantityMilliValue, quantityValue } from "../../machinery/quantity.ts";

/** Quantities as the numbers that the kernel wants. */
type Amounts = Readonly<Record<string, Quantity>> | undefined;

/** With its fraction. The value of a quantity that passed validation; throws on anything else. */
export const amountOf = (quantity: Quantity): number => Number(parseQuantity(quantity).nanos) / 1e9;

/** Rounded up; undefined: not given, or zero, which means the same for a limit. */
export const millisOf = (amounts: Amounts, name: string): number | undefined =>
  quantityMilliValue(amounts?.[name] ?? "0") || undefined;

export const unitsOf = (amounts: Amounts, name: string): number | undefined =>
  quantityValue(amounts?.[name] ?? "0") || undefined;

/** What was not requested is requested as much as it is limited. */
export const requestsOf = (resources: ResourceRequirements | undefined): Amounts => ({
  ...resources?.limits,
  ...resources?.requests,
});
