import { evaluateJsonPath, parseJsonPath, relaxedPath } from "./json-path.ts";

/** By a field that a JSONPath names, numbers in it by their value; unchanged without a path. */
export function sortByPath<T>(
  items: readonly T[],
  path: string | undefined,
  objectOf: (item: T) => unknown,
): readonly T[] {
  if (path === undefined) return items;
  const template = parseJsonPath(relaxedPath(path));
  const key = (item: T): string => evaluateJsonPath(template, objectOf(item));
  return items.toSorted((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
}
