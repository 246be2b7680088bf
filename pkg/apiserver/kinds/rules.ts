/** Checks of single values, in upstream's words, as lists that callers concatenate. */
import type { LabelSelector } from "../../../api/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../machinery/field-error.ts";
import {
  dnsLabelComplaints,
  labelValueComplaints,
  portNameComplaints,
  portNumberComplaints,
  qualifiedNameComplaints,
} from "../../machinery/names.ts";

export type Errors = readonly FieldError[];
export const none: Errors = [];

type Complaints = (value: string) => readonly string[];

/** One error for each complaint about the value. */
export const check = (path: string, value: string, complaints: Complaints): Errors =>
  complaints(value).map((why) => invalid(path, value, why));

/** Required, and then as the rule wants it. */
export const checkRequired = (path: string, value: string | undefined, rule?: Complaints): Errors =>
  value === undefined || value === ""
    ? [required(path)]
    : rule === undefined
      ? none
      : check(path, value, rule);

/** Required, and one of a few. */
export const checkChoice = (
  path: string,
  value: string | undefined,
  allowed: readonly string[],
): Errors =>
  value === undefined || value === "" ? [required(path)] : checkOptional(path, value, allowed);

/** One of a few, where it is present. */
export const checkOptional = (
  path: string,
  value: string | undefined,
  allowed: readonly string[],
): Errors =>
  value === undefined || allowed.includes(value) ? none : [notSupported(path, value, allowed)];

export const checkNotNegative = (path: string, value: number | undefined): Errors =>
  value === undefined || value >= 0
    ? none
    : [invalid(path, value, "must be greater than or equal to 0")];

export const checkPositive = (path: string, value: number | undefined): Errors =>
  value !== undefined && value > 0
    ? none
    : [invalid(path, value ?? 0, "must be greater than zero")];

export const checkRange = (
  path: string,
  value: number | undefined,
  [low, high]: readonly [number, number],
): Errors =>
  value === undefined || (value >= low && value <= high)
    ? none
    : [invalid(path, value, `must be between ${low} and ${high}, inclusive`)];

export const checkPort = (path: string, port: number): Errors =>
  portNumberComplaints(port).map((why) => invalid(path, port, why));

export const checkPortOrName = (path: string, port: number | string): Errors =>
  typeof port === "number" ? checkPort(path, port) : check(path, port, portNameComplaints);

export const protocols = ["SCTP", "TCP", "UDP"] as const;

/** Calls `rule` with the path of each item. */
export const eachAt = <I>(
  path: string,
  items: readonly I[] | undefined,
  rule: (item: I, path: string, index: number) => Errors,
): Errors => (items ?? []).flatMap((item, index) => rule(item, `${path}[${index}]`, index));

/** A second value of the same text is a duplicate. Empty ones are not counted. */
export function checkUnique<I>(
  items: readonly I[] | undefined,
  textOf: (item: I) => string,
  pathOf: (index: number) => string,
): Errors {
  const seen = new Set<string>();
  return (items ?? []).flatMap((item, index) => {
    const text = textOf(item);
    if (text === "") return none;
    if (seen.has(text)) return [duplicate(pathOf(index), text)];
    seen.add(text);
    return none;
  });
}

export const checkLabels = (
  path: string,
  labels: Readonly<Record<string, string>> | undefined,
): Errors =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...check(path, key, qualifiedNameComplaints),
    ...check(path, value, labelValueComplaints),
  ]);

export const checkDnsLabel = (path: string, value: string): Errors =>
  check(path, value, dnsLabelComplaints);

/** Ports of one object are told apart by name where there are several. */
export const checkPortName = (path: string, name: string, needsName: boolean): Errors =>
  name !== "" ? checkDnsLabel(path, name) : needsName ? [required(path)] : none;

export function checkSelector(path: string, selector: LabelSelector | undefined): Errors {
  if (selector === undefined) return none;
  return [
    ...checkLabels(`${path}.matchLabels`, selector.matchLabels),
    ...eachAt(`${path}.matchExpressions`, selector.matchExpressions, (expression, at) => {
      const { key, operator, values = [] } = expression;
      return [
        ...checkOperator(at, operator, values),
        ...check(`${at}.key`, key, qualifiedNameComplaints),
        ...eachAt(`${at}.values`, values, (value, valueAt) =>
          check(valueAt, value, labelValueComplaints),
        ),
      ];
    }),
  ];
}

/** A selector's operator, and how many values it takes. */
export function checkOperator(path: string, operator: string, values: readonly string[]): Errors {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? none
        : [required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist": {
      const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      return values.length === 0 ? none : [forbidden(`${path}.values`, why)];
    }
    default:
      return [invalid(`${path}.operator`, operator, "not a valid selector operator")];
  }
}

export const immutable = (path: string, value: unknown): FieldError =>
  invalid(path, value, "field is immutable");

export const tooMany = (path: string, count: number, most: number): FieldError => ({
  type: "FieldValueTooMany",
  path,
  detail: `${count}: must have at most ${most} items`,
});
export const notFound = (path: string, value: unknown): FieldError => ({
  type: "FieldValueNotFound",
  path,
  value,
});
