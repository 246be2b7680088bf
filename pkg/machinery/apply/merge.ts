/** Merging what is applied into what is there, and taking away what is applied no more. */
import { isFields, type Fields } from "../fields.ts";
import { inListOrder } from "../list-order.ts";
import type { FieldSchema, MessageSchema, Schema } from "../schema.ts";
import { childPath, isAtomicList, isUnder, itemKey, type FieldSet } from "./field-paths.ts";

const messageOf = (schema: Schema, field: FieldSchema | undefined): MessageSchema | undefined =>
  field?.isMessage === true ? schema.message(field.type) : undefined;

const isAtomic = (schema: Schema, field: FieldSchema): boolean =>
  field.mapType === "atomic" || messageOf(schema, field)?.mapType === "atomic";

/** Neither argument is changed. Fields that only one of the two has are kept. */
export function mergeObjects(
  schema: Schema,
  message: MessageSchema,
  live: Fields,
  config: Fields,
): Fields {
  const result = new Map(Object.entries(live));
  for (const [name, value] of Object.entries(config)) {
    const field = message.properties.get(name);
    const old = result.get(name);
    result.set(name, field === undefined ? value : mergeField(schema, field, old, value));
  }
  return Object.fromEntries(result);
}

function mergeField(schema: Schema, field: FieldSchema, old: unknown, value: unknown): unknown {
  if (Array.isArray(old) && Array.isArray(value) && !isAtomicList(field))
    return mergeList(schema, field, old, value);
  if (!isFields(old) || !isFields(value) || isAtomic(schema, field)) return value;
  const message = messageOf(schema, field);
  if (field.shape === "one")
    return message === undefined ? value : mergeObjects(schema, message, old, value);
  const result = new Map(Object.entries(old));
  for (const [name, entry] of Object.entries(value))
    result.set(name, mergeField(schema, { ...field, shape: "one" }, result.get(name), entry));
  return Object.fromEntries(result);
}

function mergeList(
  schema: Schema,
  field: FieldSchema,
  old: readonly unknown[],
  items: readonly unknown[],
): readonly unknown[] {
  const keyOf = (item: unknown): string =>
    (field.listType === "map" ? itemKey(schema, field, item) : undefined) ?? JSON.stringify(item);
  const merged = new Map(old.map((item) => [keyOf(item), item]));
  for (const item of items) {
    const key = keyOf(item);
    merged.set(key, mergeField(schema, { ...field, shape: "one" }, merged.get(key), item));
  }
  return inListOrder(keyOf, [...merged.values()], items, old);
}

/** What `removed` names goes; a part that is emptied so goes too. `kept` are paths of others. */
export function removeFields(
  schema: Schema,
  message: MessageSchema,
  object: Fields,
  { removed, kept }: { readonly removed: FieldSet; readonly kept: FieldSet },
): Fields {
  const isNeeded = (path: string): boolean =>
    kept.has(path) || [...kept].some((one) => isUnder(one, path));
  const isTouched = (path: string): boolean =>
    removed.has(path) || [...removed].some((one) => isUnder(one, path));

  const struct = (of: MessageSchema, value: Fields, path: string): Fields | undefined => {
    const parts = Object.entries(value).flatMap(([name, part]): [string, unknown][] => {
      const field = of.properties.get(name);
      const left = remove(field, part, childPath(path, `f:${name}`));
      return left === undefined ? [] : [[name, left]];
    });
    return parts.length === 0 ? undefined : Object.fromEntries(parts);
  };

  const remove = (field: FieldSchema | undefined, value: unknown, path: string): unknown => {
    if (!isTouched(path)) return value;
    if (removed.has(path) && !isNeeded(path)) return undefined;
    if (field === undefined) return removed.has(path) ? undefined : value;
    if (field.shape === "list" && Array.isArray(value)) return list(field, value, path);
    if (!isFields(value)) return removed.has(path) ? undefined : value;
    if (field.shape !== "one") return map(field, value, path);
    const inner = messageOf(schema, field);
    return inner === undefined ? value : struct(inner, value, path);
  };

  const map = (field: FieldSchema, value: Fields, path: string): Fields | undefined => {
    const entries = Object.entries(value).flatMap(([name, entry]): [string, unknown][] => {
      const left = remove({ ...field, shape: "one" }, entry, childPath(path, `f:${name}`));
      return left === undefined ? [] : [[name, left]];
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };

  const list = (field: FieldSchema, items: readonly unknown[], path: string): unknown => {
    const left = items.flatMap((item): unknown[] => {
      const key =
        field.listType === "map" ? itemKey(schema, field, item) : `v:${JSON.stringify(item)}`;
      if (key === undefined) return [item];
      const kept = remove({ ...field, shape: "one" }, item, childPath(path, key));
      return kept === undefined ? [] : [kept];
    });
    return left.length === 0 ? undefined : left;
  };

  return struct(message, object, "") ?? {};
}
