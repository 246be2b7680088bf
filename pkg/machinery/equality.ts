/**
 * Deep equality of JSON. `isEqual` is exact; `isSemanticallyEqual` takes absent, null and empty for
 * one, as Go's objects do after decoding: a list of no items is no list.
 */
type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function compare(a: unknown, b: unknown, isNothing: (value: unknown) => boolean): boolean {
  if (a === b || (isNothing(a) && isNothing(b))) return true;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => compare(item, b[index], isNothing));
  return compareFields(a, b, isNothing);
}

function compareFields(a: Fields, b: Fields, isNothing: (value: unknown) => boolean): boolean {
  for (const key of Object.keys(a)) if (!compare(a[key], own(b, key), isNothing)) return false;
  for (const key of Object.keys(b)) if (!Object.hasOwn(a, key) && !isNothing(b[key])) return false;
  return true;
}

const own = (fields: Fields, key: string): unknown =>
  Object.hasOwn(fields, key) ? fields[key] : undefined;

const isAbsent = (value: unknown): boolean => value === undefined;

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return isObject(value) && Object.keys(value).length === 0;
}

/** Same JSON: the order of keys does not matter, and a key that is undefined is absent. */
export const isEqual = (a: unknown, b: unknown): boolean => compare(a, b, isAbsent);

export const isSemanticallyEqual = (a: unknown, b: unknown): boolean => compare(a, b, isEmpty);
