/**
 * Fields of an object as paths, for server-side apply. A path is the elements of metav1.FieldsV1
 * ("f:spec", `k:{"name":"web"}`, `v:"a"`) joined by line ends, so that a set of fields is a set of
 * strings; the tree that managedFields carry is made from it and read into it.
 */
import { isEqual } from "../equality.ts";
import { isFields, type Fields } from "../fields.ts";
import type { FieldSchema, MessageSchema, Schema } from "../schema.ts";

export type FieldSet = ReadonlySet<string>;

/** What a path holds: a leaf's value, or `present` for an item or entry whose parts have paths. */
export interface FieldValues {
  readonly values: ReadonlyMap<string, unknown>;
  /**
   * Structs, maps and lists that have parts: they are fields too when they come or go as a whole.
   */
  readonly containers: FieldSet;
}
export const present = Symbol("present");

const separator = "\n";
export const childPath = (path: string, element: string): string =>
  path === "" ? element : `${path}${separator}${element}`;
export const isUnder = (path: string, ancestor: string): boolean =>
  path.startsWith(ancestor + separator);

/** The key fields of an item, in order of their names, with the schema's defaults. */
export function itemKey(schema: Schema, field: FieldSchema, item: unknown): string | undefined {
  if (!isFields(item)) return undefined;
  const properties = schema.message(field.type)?.properties;
  const entries = field.listKeys
    .toSorted()
    .map((name) => [name, item[name] ?? properties?.get(name)?.default] as const)
    .filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : `k:${JSON.stringify(Object.fromEntries(entries))}`;
}

export const isAtomicList = (field: FieldSchema): boolean =>
  field.listType !== "map" && field.listType !== "set";

const isEmpty = (value: unknown): boolean =>
  value === null || (isFields(value) && Object.keys(value).length === 0);

class Walker implements FieldValues {
  readonly values = new Map<string, unknown>();
  readonly containers = new Set<string>();
  readonly #schema: Schema;
  constructor(schema: Schema) {
    this.#schema = schema;
  }

  struct(message: MessageSchema, value: Fields, path: string): void {
    if (path !== "") this.containers.add(path);
    for (const [name, part] of Object.entries(value)) {
      const field = message.properties.get(name);
      const at = childPath(path, `f:${name}`);
      if (field === undefined || isEmpty(part)) this.values.set(at, part);
      else this.#field(field, part, at);
    }
  }

  #field(field: FieldSchema, value: unknown, path: string): void {
    if (field.shape === "list" && Array.isArray(value)) this.#list(field, value, path);
    else if (field.shape === "one") this.#single(field, value, path);
    else if (isFields(value) && field.mapType !== "atomic") this.#map(field, value, path);
    else this.values.set(path, value);
  }

  #single(field: FieldSchema, value: unknown, path: string): void {
    const message = field.isMessage ? this.#schema.message(field.type) : undefined;
    const isAtomic = field.mapType === "atomic" || message?.mapType === "atomic";
    if (message === undefined || isAtomic || !isFields(value) || isEmpty(value))
      this.values.set(path, value);
    else this.struct(message, value, path);
  }

  #map(field: FieldSchema, value: Fields, path: string): void {
    this.containers.add(path);
    for (const [name, entry] of Object.entries(value)) {
      const at = childPath(path, `f:${name}`);
      this.#single({ ...field, shape: "one" }, entry, at);
      if (!this.values.has(at)) this.values.set(at, present);
    }
  }

  #list(field: FieldSchema, items: readonly unknown[], path: string): void {
    if (isAtomicList(field)) {
      this.values.set(path, items);
      return;
    }
    this.containers.add(path);
    for (const item of items) {
      if (field.listType === "set") {
        this.values.set(childPath(path, `v:${JSON.stringify(item)}`), item);
        continue;
      }
      const key = itemKey(this.#schema, field, item);
      if (key === undefined) continue;
      const at = childPath(path, key);
      this.values.set(at, present);
      this.#single({ ...field, shape: "one" }, item, at);
      if (isFields(item) && !isEmpty(item)) this.values.set(at, present);
    }
  }
}

/** Every field of an object, by its path. */
export function fieldValues(schema: Schema, message: MessageSchema, object: Fields): FieldValues {
  const walker = new Walker(schema);
  walker.struct(message, object, "");
  return walker;
}

export interface Comparison {
  /** Paths that are new or hold another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const isIn = ({ values, containers }: FieldValues, path: string): boolean =>
  values.has(path) || containers.has(path);

const missing = (from: FieldValues, of: FieldValues): readonly string[] =>
  [...of.values.keys(), ...of.containers].filter((path) => !isIn(from, path));

export function compareFields(before: FieldValues, after: FieldValues): Comparison {
  const changed = new Set(missing(before, after));
  for (const [path, value] of after.values)
    if (before.values.has(path) && !isEqual(before.values.get(path), value)) changed.add(path);
  return { changed, removed: new Set(missing(after, before)) };
}

type Tree = { [element: string]: Tree };

/** The tree form: "." marks a field that is in the set and has parts in it too. */
export function encodeFieldsV1(set: FieldSet): Fields {
  const tree: Tree = {};
  for (const path of [...set].toSorted()) {
    let node = tree;
    for (const element of path.split(separator)) node = node[element] ??= {};
  }
  for (const path of set) {
    let node = tree;
    for (const element of path.split(separator)) node = node[element] ?? {};
    if (Object.keys(node).length > 0) node["."] = {};
  }
  return sorted(tree);
}

const sorted = (tree: Tree): Tree =>
  Object.fromEntries(
    Object.entries(tree)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([element, node]) => [element, sorted(node)]),
  );

export function decodeFieldsV1(tree: Fields | undefined): FieldSet {
  const set = new Set<string>();
  const walk = (node: Fields, path: string): void => {
    const elements = Object.keys(node);
    if (path !== "" && (elements.length === 0 || elements.includes("."))) set.add(path);
    for (const element of elements) {
      const inner = node[element];
      if (element !== "." && isFields(inner)) walk(inner, childPath(path, element));
    }
  };
  walk(tree ?? {}, "");
  return set;
}

function formatElement(element: string): string {
  const [kind, rest] = [element.slice(0, 2), element.slice(2)];
  if (kind === "f:") return `.${rest}`;
  if (kind === "v:") return `[=${rest}]`;
  if (kind !== "k:") return `[${rest}]`;
  const key = JSON.parse(rest) as Fields;
  const parts = Object.keys(key).map((name) => `${name}=${JSON.stringify(key[name])}`);
  return `[${parts.join(",")}]`;
}

/** `.spec.template.spec.containers[name="web"].image`, as conflicts name a field. */
export const formatFieldPath = (path: string): string =>
  path.split(separator).map(formatElement).join("");
