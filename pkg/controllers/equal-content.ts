/**
 * Whether two values of the API say the same: order of fields does not count, and an absent field
 * equals an empty list or map, as upstream's semantic equality has it.
 */
export function equalContent(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (isNothing(one) && isNothing(other)) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return (
      one.length === other.length && one.every((item, index) => equalContent(item, other[index]))
    );
  if (!isMap(one) || !isMap(other)) return false;
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...keys].every((key) => equalContent(one[key], other[key]));
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isNothing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (isMap(value) && Object.values(value).every((one) => one === undefined));
