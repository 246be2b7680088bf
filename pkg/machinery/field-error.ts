/**
 * What is wrong with one field, in upstream's wording: `spec.containers[0].image: Required value`.
 * Validation returns all of them at once; the server makes a 422 of them.
 */
export type FieldErrorType =
  | "FieldValueRequired"
  | "FieldValueInvalid"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueForbidden"
  | "FieldValueNotFound"
  | "FieldValueTooLong"
  | "FieldValueTooMany"
  | "FieldValueTypeInvalid";

export interface FieldError {
  readonly type: FieldErrorType;
  /** spec.containers[0].image */
  readonly path: string;
  readonly value?: unknown;
  readonly detail?: string;
}

const title: Readonly<Record<FieldErrorType, string>> = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueForbidden: "Forbidden",
  FieldValueNotFound: "Not found",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
  FieldValueTypeInvalid: "Invalid value",
};

const showsValue: ReadonlySet<FieldErrorType> = new Set([
  "FieldValueInvalid",
  "FieldValueNotSupported",
  "FieldValueDuplicate",
  "FieldValueNotFound",
  "FieldValueTypeInvalid",
]);

/** The part behind the path: `Invalid value: "x": must be …`. */
export function describeFieldError({ type, value, detail }: FieldError): string {
  const shown = showsValue.has(type) ? `: ${JSON.stringify(value ?? null)}` : "";
  return `${title[type]}${shown}${detail === undefined || detail === "" ? "" : `: ${detail}`}`;
}

export const required = (path: string, detail = ""): FieldError => ({
  type: "FieldValueRequired",
  path,
  detail,
});
export const invalid = (path: string, value: unknown, detail: string): FieldError => ({
  type: "FieldValueInvalid",
  path,
  value,
  detail,
});
export const forbidden = (path: string, detail: string): FieldError => ({
  type: "FieldValueForbidden",
  path,
  detail,
});
export const duplicate = (path: string, value: unknown): FieldError => ({
  type: "FieldValueDuplicate",
  path,
  value,
});
export const notSupported = (
  path: string,
  value: unknown,
  allowed: readonly string[],
): FieldError => ({
  type: "FieldValueNotSupported",
  path,
  value,
  detail: `supported values: ${allowed.map((one) => JSON.stringify(one)).join(", ")}`,
});
