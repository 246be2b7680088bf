import { DecodeError } from "./decode-walk.ts";
import { canonicalQuantity, QuantityError } from "./quantity.ts";

/** Gives the value as it is to be kept; `wrong` makes the error that names the Go type. */
export type ScalarCheck = (value: unknown, wrong: (goType: string) => DecodeError) => unknown;

const string: ScalarCheck = (value, wrong) => {
  if (value === null) return "";
  if (typeof value !== "string") throw wrong("string");
  return value;
};

const integer =
  (type: string, min: number, max: number): ScalarCheck =>
  (value, wrong) => {
    if (value === null) return 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
      throw wrong(type);
    return value;
  };

const number: ScalarCheck = (value, wrong) => {
  if (typeof value !== "number") throw wrong("float64");
  return value;
};

const bool: ScalarCheck = (value, wrong) => {
  if (value === null) return false;
  if (typeof value !== "boolean") throw wrong("bool");
  return value;
};

const quantity: ScalarCheck = (value, wrong) => {
  if (typeof value !== "string" && typeof value !== "number") {
    if (value === null) return "0";
    throw wrong("resource.Quantity");
  }
  try {
    return canonicalQuantity(typeof value === "string" ? value.trim() : value);
  } catch (error) {
    if (error instanceof QuantityError) throw new DecodeError(error.message, { cause: error });
    throw error;
  }
};

const intOrString: ScalarCheck = (value, wrong) => {
  if (typeof value === "string" || Number.isInteger(value)) return value;
  throw wrong("int32");
};

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d+))?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** "2006-01-02T15:04:05Z07:00" is how Go writes the form of RFC 3339. */
function parseTime(
  value: string,
  layout: string,
): { readonly text: string; readonly fraction: string } {
  const match = rfc3339.exec(value);
  const ms = Date.parse(value);
  if (match === null || Number.isNaN(ms)) {
    const quoted = JSON.stringify(value);
    throw new DecodeError(
      `parsing time ${quoted} as "${layout}": cannot parse ${quoted} as "2006"`,
    );
  }
  return { text: new Date(ms).toISOString().slice(0, 19), fraction: match[1] ?? "" };
}

const canonicalTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const time: ScalarCheck = (value, wrong) => {
  if (value === null) return null;
  if (typeof value !== "string") throw wrong("string");
  const { text } = parseTime(value, "2006-01-02T15:04:05Z07:00");
  return canonicalTime.test(value) ? value : `${text}Z`;
};

const microTime: ScalarCheck = (value, wrong) => {
  if (value === null) return null;
  if (typeof value !== "string") throw wrong("string");
  const { text, fraction } = parseTime(value, "2006-01-02T15:04:05.000000Z07:00");
  return `${text}.${fraction.padEnd(6, "0").slice(0, 6)}Z`;
};

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

const bytes: ScalarCheck = (value, wrong) => {
  if (value === null) return "";
  if (typeof value !== "string") throw wrong("[]uint8");
  const text = value.replaceAll(/[\r\n]/g, "");
  if (base64.test(text) && text.length % 4 === 0) return text;
  const good = /^[A-Za-z0-9+/]*/.exec(text)?.[0].length ?? 0;
  const at = good === text.length ? text.length - (text.length % 4) : good;
  throw new DecodeError(`illegal base64 data at input byte ${at}`);
};

const object: ScalarCheck = (value, wrong) => {
  if (typeof value !== "object" || Array.isArray(value)) throw wrong("v1.FieldsV1");
  return value;
};

const anything: ScalarCheck = (value) => value;

export const scalarChecks: Readonly<Record<string, ScalarCheck>> = {
  string,
  bool,
  int32: integer("int32", -(2 ** 31), 2 ** 31 - 1),
  int64: integer("int64", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  double: number,
  bytes,
  quantity,
  intOrString,
  time,
  microTime,
  duration: string,
  rawExtension: anything,
  unknown: anything,
  json: anything,
  fieldsV1: object,
};
