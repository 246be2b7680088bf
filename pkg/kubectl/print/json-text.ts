/**
 * JSON as kubectl writes it, with keys in their order: what it prints, and what apply keeps in its
 * annotation. Pure.
 */
import { formatJson } from "../../machinery/json.ts";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isObject(value)) return value;
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return Object.fromEntries(keys.toSorted().map((key) => [key, ordered(value[key])]));
}

/** One line, or several where an indent is given. */
export const jsonText = (value: unknown, indent: 0 | 2 | 4 = 0): string =>
  formatJson(ordered(value), indent);
