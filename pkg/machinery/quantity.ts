/**
 * Quantities ("100m", "2Gi", "1e3") as exact numbers: billionths in a bigint, with the family of
 * suffixes that the text had, which its canonical form keeps.
 */
import { assert } from "../base/errors.ts";

export type QuantityFormat = "DecimalSI" | "BinarySI" | "DecimalExponent";

export interface ParsedQuantity {
  /** The value times 10^9. Anything finer was rounded away from zero. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const formatWrong =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixWrong = "unable to parse quantity's suffix";

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const nano = 1_000_000_000n;
/** Binary quantities stop at the largest int64, as upstream's do. */
const binaryMax = (2n ** 63n - 1n) * nano;
/**
 * Keeps 10^exponent from eating all memory; upstream's own exponents are 32 bits, but no value is.
 */
const exponentMax = 1_000;

interface Suffix {
  readonly numerator: bigint;
  readonly denominator: bigint;
  readonly format: QuantityFormat;
}

function powerOfTen(exponent: number, format: QuantityFormat): Suffix {
  if (Math.abs(exponent) > exponentMax) throw new QuantityError(suffixWrong);
  const power = 10n ** BigInt(Math.abs(exponent));
  return exponent < 0
    ? { numerator: 1n, denominator: power, format }
    : { numerator: power, denominator: 1n, format };
}

function parseSuffix(suffix: string): Suffix {
  const decimal = decimalSuffixes.indexOf(suffix);
  if (decimal >= 0) return powerOfTen((decimal - 3) * 3, "DecimalSI");
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0)
    return { numerator: 1024n ** BigInt(binary), denominator: 1n, format: "BinarySI" };
  const exponent = /^[eE]([+-]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) throw new QuantityError(suffixWrong);
  return powerOfTen(Number(exponent), "DecimalExponent");
}

/** Away from zero: who asks for a little gets a little. */
const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

/** A cluster's quantities are few texts that come again and again; so many are remembered. */
const rememberedMax = 2_000;

/** Of a pure function whose result is never changed. */
function remembering<R>(compute: (text: string) => R): (value: string | number) => R {
  const known = new Map<string, R>();
  return (value) => {
    const text = String(value);
    const before = known.get(text);
    if (before !== undefined) return before;
    const result = compute(text);
    if (known.size >= rememberedMax) known.clear();
    known.set(text, result);
    return result;
  };
}

/** Throws QuantityError in upstream's words. JSON numbers are quantities too. */
export const parseQuantity = remembering(parseText);

function parseText(text: string): ParsedQuantity {
  const match = pattern.exec(text);
  if (text === "" || match === null) throw new QuantityError(formatWrong);
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  const { numerator, denominator, format } = parseSuffix(suffix);
  const digits = BigInt(`${whole}${fraction}` || "0");
  const scaled = digits * numerator * nano;
  const exact = divideUp(scaled, denominator * 10n ** BigInt(fraction.length));
  const nanos = format === "BinarySI" && exact > binaryMax ? binaryMax : exact;
  const isTiny = format === "BinarySI" && nanos > 0n && nanos < nano;
  return { nanos: sign === "-" ? -nanos : nanos, format: isTiny ? "DecimalSI" : format };
}

/** Removes as many factors as there are, up to `most`. */
function reduce(value: bigint, factor: bigint, most: number): readonly [bigint, number] {
  let rest = value;
  let count = 0;
  while (count < most && rest !== 0n && rest % factor === 0n) {
    rest /= factor;
    count += 1;
  }
  return [rest, count];
}

function formatDecimal(nanos: bigint, format: QuantityFormat): string {
  const most = format === "DecimalExponent" ? exponentMax : decimalSuffixes.length - 1;
  const [mantissa, thousands] = reduce(nanos, 1000n, most);
  if (format === "DecimalSI") return `${mantissa}${decimalSuffixes[thousands] ?? ""}`;
  const exponent = thousands * 3 - 9;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}

/** The canonical form: an integer with the largest suffix that loses nothing. */
export function formatQuantity({ nanos, format }: ParsedQuantity): string {
  if (nanos === 0n) return "0";
  const isSmall = nanos > -1024n * nano && nanos < 1024n * nano;
  if (format !== "BinarySI" || isSmall || nanos % nano !== 0n)
    return formatDecimal(nanos, format === "BinarySI" ? "DecimalSI" : format);
  const [mantissa, times] = reduce(nanos / nano, 1024n, binarySuffixes.length - 1);
  return `${mantissa}${binarySuffixes[times] ?? ""}`;
}

export const canonicalQuantity = remembering((text) => formatQuantity(parseText(text)));

/** Negative, zero or positive. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function combine(
  values: readonly (string | number)[],
  combined: (sum: bigint, one: bigint) => bigint,
): string {
  const parsed = values.map(parseQuantity);
  const format = parsed.find(({ nanos }) => nanos !== 0n)?.format ?? "DecimalSI";
  const [first, ...rest] = parsed.map(({ nanos }) => nanos);
  return formatQuantity({ nanos: rest.reduce(combined, first ?? 0n), format });
}

/** In the format of the first that is not zero. */
export const addQuantities = (...values: readonly (string | number)[]): string =>
  combine(values, (sum, one) => sum + one);
export const subtractQuantities = (a: string | number, b: string | number): string =>
  combine([a, b], (left, right) => left - right);

/** Rounded away from zero to a multiple of 10^-9 × `unit`. */
function inUnits(value: string | number, unit: bigint): number {
  const { nanos } = parseQuantity(value);
  const units = nanos < 0n ? -divideUp(-nanos, unit) : divideUp(nanos, unit);
  const result = Number(units);
  assert(!Number.isNaN(result), "a bigint is a number");
  return result;
}

/** As a whole number, rounded up: bytes of memory. Exact up to 2^53. */
export const quantityValue = (value: string | number): number => inUnits(value, nano);
/** In thousandths, rounded up: millicores. */
export const quantityMilliValue = (value: string | number): number => inUnits(value, nano / 1000n);
