/**
 * Defaulting without copies: what already has its defaults comes back as the same object, since
 * every object that is decoded, stored ones included, passes here.
 */
type Absent = (value: unknown) => boolean;

/** Upstream's strings have no "unset": the empty one counts as absent. */
const isAbsent: Absent = (value) => value === undefined || value === null || value === "";
/** For numbers that are no pointers upstream, where zero counts as absent too. */
const isZero: Absent = (value) => isAbsent(value) || value === 0;

function filled<T extends object>(object: T, defaults: Partial<T>, absent: Absent): T {
  let result: T | undefined;
  for (const key in defaults) {
    if (!absent(object[key])) continue;
    result ??= { ...object };
    result[key] = defaults[key] as T[typeof key];
  }
  return result ?? object;
}

/** Gives each property that is absent or empty its default. */
export const fill = <T extends object>(object: T, defaults: Partial<T>): T =>
  filled(object, defaults, isAbsent);

/** Gives each property that is absent, empty or zero its default. */
export const fillZero = <T extends object>(object: T, defaults: Partial<T>): T =>
  filled(object, defaults, isZero);

/** Replaces one property, where it is present. */
export function over<T extends object, K extends keyof T>(
  object: T,
  key: K,
  change: (value: NonNullable<T[K]>) => NonNullable<T[K]>,
): T {
  const value = object[key];
  if (value === undefined || value === null) return object;
  const changed = change(value);
  return changed === value ? object : { ...object, [key]: changed };
}

/** The same list when nothing in it changed. */
export function each<I>(change: (item: I) => I): (list: readonly I[]) => readonly I[] {
  return (list) => {
    let result: I[] | undefined;
    for (const [index, item] of list.entries()) {
      const changed = change(item);
      if (changed === item) continue;
      result ??= [...list];
      result[index] = changed;
    }
    return result ?? list;
  };
}

/** Applies one change after another. */
export const inTurn =
  <T>(...changes: readonly ((value: T) => T)[]) =>
  (value: T): T =>
    changes.reduce((current, change) => change(current), value);

/** Sets or, with undefined, removes a property. */
export function withProperty<T extends object, K extends keyof T>(
  object: T,
  key: K,
  value: T[K] | undefined,
): T {
  if (object[key] === value) return object;
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _removed, ...rest } = object;
  return rest as T;
}
