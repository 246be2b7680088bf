/** Makes strategic merge patches: from two objects, and from three as `kubectl apply` does. */
import { isFields, type Fields } from "./fields.ts";
import { isEqual } from "./equality.ts";
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
  retains,
  setElementOrder,
  type Place,
} from "./strategic-fields.ts";

type List = readonly unknown[];

/** Which differences go into the patch. */
interface Wanted {
  readonly deletions: boolean;
  readonly changes: boolean;
}
type Patch = Record<string, unknown>;

const isEmpty = (patch: Fields): boolean => Object.keys(patch).length === 0;

function diffFields(place: Place, before: Fields, after: Fields, wanted: Wanted): Patch {
  const patch: Patch = {};
  for (const [name, value] of Object.entries(after)) {
    const old = before[name];
    const field = fieldAt(place, name);
    if (isFields(old) && isFields(value) && !replaces(field))
      diffStructs(place, name, [old, value], wanted, patch);
    else if (Array.isArray(old) && Array.isArray(value) && merges(field))
      diffLists(place, name, [old, value], wanted, patch);
    else if (wanted.changes && !isEqual(old, value)) patch[name] = value;
  }
  if (wanted.deletions)
    for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null;
  return patch;
}

const keysToRetain = (fields: Fields): readonly string[] =>
  Object.keys(fields)
    .filter((name) => fields[name] !== null)
    .toSorted();

function diffStructs(
  place: Place,
  name: string,
  [before, after]: readonly [Fields, Fields],
  wanted: Wanted,
  patch: Patch,
): void {
  const field = fieldAt(place, name);
  const inner = diffFields(below(place, field), before, after, wanted);
  if (isEmpty(inner)) return;
  patch[name] = retains(field) ? { ...inner, [retainKeys]: keysToRetain(after) } : inner;
}

function diffLists(
  place: Place,
  name: string,
  [before, after]: readonly [List, List],
  wanted: Wanted,
  patch: Patch,
): void {
  const field = fieldAt(place, name);
  if (before.length === 0) {
    if (wanted.changes && after.length > 0) patch[name] = after;
    return;
  }
  if (field?.mergeKey === undefined || ![...before, ...after].every(isFields))
    diffPrimitives(name, before, after, wanted, patch);
  else diffObjects(place, field, [before as Fields[], after as Fields[]], wanted, patch);
}

function diffPrimitives(
  name: string,
  before: List,
  after: List,
  wanted: Wanted,
  patch: Patch,
): void {
  const added = wanted.changes ? after.filter((item) => !before.includes(item)) : [];
  const removed = wanted.deletions ? before.filter((item) => !after.includes(item)) : [];
  if (added.length > 0) patch[name] = added;
  if (removed.length > 0) patch[deleteFromPrimitiveList + name] = removed;
  if (removed.length > 0 || (wanted.changes && !isEqual(before, after)))
    patch[setElementOrder + name] = after;
}

function diffObjects(
  place: Place,
  field: FieldSchema,
  [before, after]: readonly [readonly Fields[], readonly Fields[]],
  wanted: Wanted,
  patch: Patch,
): void {
  const { name, mergeKey = "" } = field;
  const old = new Map(before.map((item) => [keyText(item, mergeKey), item]));
  const kept = new Set(after.map((item) => keyText(item, mergeKey)));
  const items = after.flatMap((item): readonly Fields[] => {
    const was = old.get(keyText(item, mergeKey));
    if (was === undefined) return wanted.changes ? [item] : [];
    const inner = diffFields(below(place, field), was, item, wanted);
    if (isEmpty(inner)) return [];
    const retaining = retains(field) ? { [retainKeys]: keysToRetain(item) } : {};
    return [{ ...inner, ...retaining, [mergeKey]: item[mergeKey] }];
  });
  const deletions = before
    .filter((item) => wanted.deletions && !kept.has(keyText(item, mergeKey)))
    .map((item) => ({ [directive]: "delete", [mergeKey]: item[mergeKey] }));
  const list = [...items, ...deletions];
  if (list.length > 0) patch[name] = list;
  const isReordered = wanted.changes && !hasSameOrder(before, after, mergeKey);
  if (list.length > 0 || isReordered)
    patch[setElementOrder + name] = after.map((item) => ({ [mergeKey]: item[mergeKey] }));
}

/** Items that both lists have stand in the same order. */
function hasSameOrder(
  before: readonly Fields[],
  after: readonly Fields[],
  mergeKey: string,
): boolean {
  const keys = (list: readonly Fields[]): readonly string[] =>
    list.map((item) => keyText(item, mergeKey));
  const common = new Set(keys(before)).intersection(new Set(keys(after)));
  const inBoth = (list: readonly Fields[]): readonly string[] =>
    keys(list).filter((key) => common.has(key));
  return isEqual(inBoth(before), inBoth(after));
}

/** Two patches of one object as one: of what both say, `second` wins. */
function combine(place: Place, first: Fields, second: Fields): Patch {
  const result: Patch = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const old = result[name];
    const field = fieldAt(place, name);
    if (isFields(old) && isFields(value)) result[name] = combine(below(place, field), old, value);
    else if (Array.isArray(old) && Array.isArray(value) && merges(field))
      result[name] = combineLists(below(place, field), field, old, value);
    else result[name] = value;
  }
  return result;
}

function combineLists(
  place: Place,
  field: FieldSchema | undefined,
  first: List,
  second: List,
): List {
  const mergeKey = field?.mergeKey;
  const result = [...first];
  for (const item of second) {
    const key = keyText(item, mergeKey);
    const index = result.findIndex((one) => keyText(one, mergeKey) === key);
    const old = result[index];
    if (index < 0) result.push(item);
    else result[index] = isFields(old) && isFields(item) ? combine(place, old, item) : item;
  }
  return inListOrder((item) => keyText(item, mergeKey), result, second, first);
}

/** The patch that makes `after` of `before`. `key` is the kind's message: "apps.v1.Deployment". */
export const createStrategicMergePatch = (
  schema: Schema,
  key: string,
  before: object,
  after: object,
): Fields =>
  diffFields(placeOf(schema, key), before as Fields, after as Fields, {
    deletions: true,
    changes: true,
  });

export interface ThreeObjects {
  /** What was applied last: the annotation kubectl.kubernetes.io/last-applied-configuration. */
  readonly original: object;
  /** What is to be applied now. */
  readonly modified: object;
  /** What the server has. */
  readonly current: object;
}

/**
 * What `original` had and `modified` has not goes; what `modified` says comes; what others set in
 * `current` stays.
 */
export function createThreeWayStrategicPatch(
  schema: Schema,
  key: string,
  three: ThreeObjects,
): Fields {
  const original = three.original as Fields;
  const modified = three.modified as Fields;
  const current = three.current as Fields;
  const place = placeOf(schema, key);
  const additions = diffFields(place, current, modified, { deletions: false, changes: true });
  const deletions = diffFields(place, original, modified, { deletions: true, changes: false });
  return combine(place, deletions, additions);
}
