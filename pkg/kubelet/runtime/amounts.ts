import type { ResourceRequirements } from "../../../api/core/v1.ts";
import type { Quantity } from "../../../api/meta/v1.ts";

/** Quantities as the numbers that the kernel wants. */
type Amounts = Readonly<Record<string, Quantity>> | undefined;

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The value of a quantity that passed validation; throws on anything else. */
export function amountOf(quantity: Quantity): number {
  const parts = /^([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([numkKMGTPEi]*))$/.exec(String(quantity));
  const scale = parts?.[2] === undefined ? suffixes[parts?.[3] ?? ""] : 10 ** Number(parts[2]);
  const value = Number(parts?.[1]) * (scale ?? Number.NaN);
  if (Number.isNaN(value)) throw new Error(`not a quantity: ${JSON.stringify(quantity)}`);
  return value;
}

/** Rounded up; undefined: not given, or zero, which means the same for a limit. */
export function millisOf(amounts: Amounts, name: string): number | undefined {
  const quantity = amounts?.[name];
  // Rounding first to nanos undoes what binary fractions add: 0.1 + 0.2.
  const millis = quantity === undefined ? 0 : Math.ceil(round(amountOf(quantity) * 1000));
  return millis === 0 ? undefined : millis;
}

export function unitsOf(amounts: Amounts, name: string): number | undefined {
  const quantity = amounts?.[name];
  const units = quantity === undefined ? 0 : Math.ceil(round(amountOf(quantity)));
  return units === 0 ? undefined : units;
}

const round = (value: number): number => Math.round(value * 1e6) / 1e6;

/** What was not requested is requested as much as it is limited. */
export const requestsOf = (resources: ResourceRequirements | undefined): Amounts => ({
  ...resources?.limits,
  ...resources?.requests,
});
