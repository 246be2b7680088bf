import type { KnownField, KnownFields } from "./known-fields.ts";

export type Fields = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Paths of fields that nobody knows: "networking.foo", "bootstrapTokens[0].bar". Sorted. */
export const unknownFields = (value: Fields, known: KnownFields): readonly string[] =>
  unknownIn(value, known, "").toSorted();

function unknownIn(value: unknown, known: KnownField, path: string): readonly string[] {
  if (known === "any" || value === null) return [];
  if (isList(known)) {
    const [inner] = known;
    if (!Array.isArray(value)) return [];
    return value.flatMap((one: unknown, at) => unknownIn(one, inner, `${path}[${at}]`));
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = path === "" ? name : `${path}.${name}`;
    const field = known[name];
    return field === undefined ? [at] : unknownIn(inner, field, at);
  });
}

const isList = (known: KnownField): known is readonly [KnownFields] => Array.isArray(known);

/** What a program makes of the fields of a document. */
export interface Usage {
  /** Paths that have an effect, with all below them. */
  readonly used: readonly string[];
  /** By path: values that say what is so anyway, as JSON. */
  readonly accepted: Readonly<Record<string, readonly string[]>>;
}

/** Paths of known fields that say something, and have no effect here. Sorted. */
export function idleFields(value: Fields, known: KnownFields, usage: Usage): readonly string[] {
  const used = new Set(usage.used);
  const idle = (inner: unknown, field: KnownField | undefined, path: string): readonly string[] => {
    if (field === undefined || used.has(path) || saysNothing(inner)) return [];
    if (usage.accepted[path]?.includes(JSON.stringify(inner)) === true) return [];
    if (field === "any" || isList(field) || !isMap(inner)) return [path];
    return Object.entries(inner).flatMap(([name, one]) =>
      idle(one, field[name], path === "" ? name : `${path}.${name}`),
    );
  };
  return idle(value, known, "").toSorted();
}

/** Go's zero values, which upstream prints for fields that nobody set. */
const zeroes: readonly unknown[] = [null, undefined, "", 0, "0", "0s"];

const saysNothing = (value: unknown): boolean =>
  zeroes.includes(value) ||
  (Array.isArray(value) && value.length === 0) ||
  (isMap(value) && Object.values(value).every(saysNothing));
