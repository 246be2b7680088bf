/** JSON merge patch (RFC 7386): applied, and made from two documents. */
import { isEqual } from "./equality.ts";
import { isFields, type Fields } from "./fields.ts";

const fromEntries = (entries: Iterable<readonly [string, unknown]>): Fields =>
  Object.fromEntries(entries);

/** Null removes, objects merge, anything else replaces. Neither argument is changed. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const before = isFields(document) ? document : {};
  const entries = new Map(Object.entries(before));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) entries.delete(name);
    else entries.set(name, applyMergePatch(entries.get(name), value));
  }
  return fromEntries(entries);
}

/** The patch that makes `after` of `before`; {} when they are equal. */
export const createMergePatch = (before: object, after: object): Fields =>
  diff(before as Fields, after as Fields);

function diff(before: Fields, after: Fields): Fields {
  const patch = new Map<string, unknown>();
  for (const [name, value] of Object.entries(after)) {
    const old = before[name];
    if (isFields(value) && isFields(old)) {
      const inner = diff(old, value);
      if (Object.keys(inner).length > 0) patch.set(name, inner);
    } else if (!isEqual(old, value)) patch.set(name, value);
  }
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch.set(name, null);
  return fromEntries(patch);
}

/** Removes from `a` what `b` does not touch; both are merge patches. */
const deletionsOf = (original: Fields, modified: Fields): Fields => {
  const entries = Object.keys(original).flatMap((name): [string, unknown][] => {
    const [old, now] = [original[name], modified[name]];
    if (!Object.hasOwn(modified, name)) return [[name, null]];
    if (!isFields(old) || !isFields(now)) return [];
    const inner = deletionsOf(old, now);
    return Object.keys(inner).length === 0 ? [] : [[name, inner]];
  });
  return fromEntries(entries);
};

const additionsOf = (current: Fields, modified: Fields): Fields => {
  const entries = Object.entries(modified).flatMap(([name, value]): [string, unknown][] => {
    const now = current[name];
    if (!isFields(value) || !isFields(now)) return isEqual(now, value) ? [] : [[name, value]];
    const inner = additionsOf(now, value);
    return Object.keys(inner).length === 0 ? [] : [[name, inner]];
  });
  return fromEntries(entries);
};

function mergePatches(a: Fields, b: Fields): Fields {
  const entries = new Map(Object.entries(a));
  for (const [name, value] of Object.entries(b)) {
    const old = entries.get(name);
    entries.set(name, isFields(old) && isFields(value) ? mergePatches(old, value) : value);
  }
  return fromEntries(entries);
}

/**
 * For kinds without strategic merge (custom kinds): what was in `original` and is no more in
 * `modified` goes, what `modified` says comes, and what others set in `current` stays.
 */
export const createThreeWayMergePatch = (
  original: object,
  modified: object,
  current: object,
): Fields =>
  mergePatches(
    deletionsOf(original as Fields, modified as Fields),
    additionsOf(current as Fields, modified as Fields),
  );
