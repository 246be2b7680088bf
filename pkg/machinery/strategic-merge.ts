/**
 * Strategic merge patch: lists merge by the key that the schema names, and directives ($patch,
 * $retainKeys, $deleteFromPrimitiveList, $setElementOrder) say what a merge alone cannot.
 */
import { isFields, type Fields } from "./fields.ts";
import { PatchError } from "./json-patch.ts";
import { inListOrder } from "./list-order.ts";
import type { FieldSchema, Schema } from "./schema.ts";
import {
  below,
  deleteFromPrimitiveList,
  directive,
  fieldAt,
  keyText,
  merges,
  placeOf,
  replaces,
  retainKeys,
  setElementOrder,
  type Place,
} from "./strategic-fields.ts";

/** A value as Go's %v prints it: map[image:nginx ports:[80]]. */
function formatGo(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatGo).join(" ")}]`;
  if (value === null || value === undefined) return "<nil>";
  if (!isFields(value)) return String(value as string | number | boolean);
  const parts = Object.keys(value)
    .toSorted()
    .map((name) => `${name}:${formatGo(value[name])}`);
  return `map[${parts.join(" ")}]`;
}

type List = readonly unknown[];

/**
 * `key` is the kind's message: "apps.v1.Deployment". Neither argument is changed. Throws
 * PatchError.
 */
export const applyStrategicMergePatch = (
  schema: Schema,
  key: string,
  document: object,
  patch: object,
): Fields => mergeFields(placeOf(schema, key), document as Fields, patch as Fields);

const isDirective = (name: string): boolean =>
  name === directive ||
  name === retainKeys ||
  name.startsWith(deleteFromPrimitiveList) ||
  name.startsWith(setElementOrder);

/** A part of a patch where the document has nothing: what it says, without its directives. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value))
    return value
      .filter((item) => !isFields(item) || item[directive] === undefined)
      .map(withoutDirectives);
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !isDirective(name) && inner !== null)
      .map(([name, inner]) => [name, withoutDirectives(inner)]),
  );
}

function asList(value: unknown, name: string): List {
  if (Array.isArray(value)) return value;
  throw new PatchError(`${name} must be a list`);
}

function retained(document: Fields, patch: Fields): Fields {
  if (patch[retainKeys] === undefined) return document;
  const keys = new Set(asList(patch[retainKeys], retainKeys));
  const outside = Object.keys(patch).find(
    (name) => !isDirective(name) && patch[name] !== null && !keys.has(name),
  );
  if (outside !== undefined)
    throw new PatchError(
      "$retainKeys directive is invalid: its list must contain all fields of the patch",
    );
  return Object.fromEntries(Object.entries(document).filter(([name]) => keys.has(name)));
}

function mergeFields(place: Place, document: Fields, patch: Fields): Fields {
  const told = patch[directive];
  if (told === "replace") return withoutDirectives(patch) as Fields;
  if (told === "delete") return {};
  if (told !== undefined && told !== "merge")
    throw new PatchError(`unknown patch type: ${formatGo(told)} in map: ${formatGo(patch)}`);
  const result = new Map(Object.entries(retained(document, patch)));
  for (const [name, value] of Object.entries(patch)) {
    if (isDirective(name)) continue;
    const merged = mergeValue(place, name, result.get(name), value);
    if (merged === undefined) result.delete(name);
    else result.set(name, merged);
  }
  applyListDirectives(place, document, patch, result);
  return Object.fromEntries(result);
}

/** Undefined: the field goes. */
function mergeValue(place: Place, name: string, old: unknown, value: unknown): unknown {
  if (value === null) return undefined;
  const field = fieldAt(place, name);
  if (isFields(value) && isFields(old) && !replaces(field))
    return mergeFields(below(place, field), old, value);
  if (Array.isArray(value) && Array.isArray(old) && merges(field))
    return mergeLists(below(place, field), field, old, value);
  return withoutDirectives(value);
}

function mergeLists(place: Place, field: FieldSchema | undefined, old: List, patch: List): List {
  if (patch.some(isFields) || old.some(isFields)) return mergeObjects(place, field, old, patch);
  return inOrder(undefined, [...new Set([...old, ...patch])], patch, old);
}

function mergeObjects(place: Place, field: FieldSchema | undefined, old: List, patch: List): List {
  const mergeKey = field?.mergeKey;
  if (mergeKey === undefined)
    throw new PatchError(`cannot merge lists without merge key for ${field?.name ?? "list"}`);
  const special = patch.filter(isFields).filter((item) => item[directive] !== undefined);
  const plain = patch.filter((item) => !isFields(item) || item[directive] === undefined);
  if (special.some((item) => item[directive] === "replace")) return plain.map(withoutDirectives);
  const gone = new Set(special.map((item) => deletedKey(item, mergeKey)));
  const merged = old.filter((item) => !gone.has(keyText(item, mergeKey)));
  for (const item of plain) {
    if (!isFields(item) || item[mergeKey] === undefined)
      throw new PatchError(
        `map: ${formatGo(item)} does not contain declared merge key: ${mergeKey}`,
      );
    const key = keyText(item, mergeKey);
    const index = merged.findIndex((one) => keyText(one, mergeKey) === key);
    const before = merged[index];
    if (index < 0) merged.push(withoutDirectives(item));
    else merged[index] = isFields(before) ? mergeFields(place, before, item) : item;
  }
  return inOrder(mergeKey, merged, plain, old);
}

function deletedKey(item: Fields, mergeKey: string): string {
  if (item[directive] !== "delete")
    throw new PatchError(`Unknown patch type found: ${formatGo(item[directive])}`);
  if (item[mergeKey] === undefined)
    throw new PatchError(`delete patch type with no merge key defined: ${mergeKey}`);
  return keyText(item, mergeKey);
}

/** Lists that a directive beside them empties of some items, or orders. */
function applyListDirectives(
  place: Place,
  document: Fields,
  patch: Fields,
  result: Map<string, unknown>,
): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith(deleteFromPrimitiveList)) continue;
    const gone = new Set(asList(value, name));
    const list = result.get(name.slice(deleteFromPrimitiveList.length));
    if (Array.isArray(list))
      result.set(
        name.slice(deleteFromPrimitiveList.length),
        list.filter((item) => !gone.has(item)),
      );
  }
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith(setElementOrder)) continue;
    const target = name.slice(setElementOrder.length);
    const list = result.get(target);
    const before = document[target];
    if (!Array.isArray(list)) continue;
    const mergeKey = fieldAt(place, target)?.mergeKey;
    const server = Array.isArray(before) ? before : [];
    result.set(target, inOrder(mergeKey, list, asList(value, name), server));
  }
}

const inOrder = (mergeKey: string | undefined, items: List, patch: List, server: List): List =>
  inListOrder((item) => keyText(item, mergeKey), items, patch, server);
