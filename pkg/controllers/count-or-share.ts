import type { IntOrString } from "../../api/meta/v1.ts";

/** A count, or a share of the whole, rounded: 3, or "25%" of how many there should be. */
export function scaledValue(
  value: IntOrString | undefined,
  whole: number,
  round: (share: number) => number,
): number {
  if (typeof value === "number") return value;
  const percent = Number.parseInt(value ?? "0", 10);
  return round((percent * whole) / 100);
}
