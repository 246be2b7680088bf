import { DecodeError, formatGoPath, formatPath, type Walk } from "./decode-walk.ts";
import { scalarChecks, type ScalarCheck } from "./decode-scalars.ts";
import type { FieldSchema, MessageSchema } from "./schema.ts";

/** Gives the value as it is to be kept. Throws DecodeError. */
export type Checker = (value: unknown, walk: Walk) => unknown;
/** The same for a field, which may also be left out: undefined. */
type FieldCheck = Checker;
type Fields = Record<string, unknown>;

/** What checking one message needs of the others, by their keys. */
export interface Checkers {
  checker(key: string): Checker;
}

/** "core.v1.PodSpec" → "v1.PodSpec", as Go names the type. */
const goType = (key: string): string => key.split(".").slice(-2).join(".");

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "number" : `number ${value}`;
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** Go names the struct that has the field, and the path to it. */
export function wrongType(value: unknown, type: string, walk: Walk, owner?: string): DecodeError {
  const path = formatGoPath(walk.path);
  const start = `json: cannot unmarshal ${describe(value)} into Go`;
  if (owner === undefined || path === "") return new DecodeError(`${start} value of type ${type}`);
  const struct = owner.slice(owner.lastIndexOf(".") + 1);
  return new DecodeError(`${start} struct field ${struct}.${path} of type ${type}`);
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function singleCheck(checkers: Checkers, field: FieldSchema, owner: string): Checker {
  if (field.isMessage) {
    let checker: Checker | undefined;
    const { type } = field;
    return (value, walk) => {
      if (value !== null && !isFields(value)) throw wrongType(value, goType(type), walk, owner);
      checker ??= checkers.checker(type);
      return checker(value ?? {}, walk);
    };
  }
  const check: ScalarCheck | undefined = scalarChecks[field.type];
  if (check === undefined) return schemaUnionCheck(checkers, owner);
  return (value, walk) => check(value, (type) => wrongType(value, type, walk, owner));
}

/** A CRD's schema, or something simpler. */
function schemaUnionCheck(checkers: Checkers, owner: string): Checker {
  const key = `${owner.slice(0, owner.lastIndexOf("."))}.JSONSchemaProps`;
  const check: Checker = (value, walk) => {
    if (isFields(value)) return checkers.checker(key)(value, walk);
    return Array.isArray(value) ? value.map((one) => check(one, walk)) : value;
  };
  return check;
}

function listCheck(single: Checker, type: string, owner: string): Checker {
  return (value, walk) => {
    if (!Array.isArray(value)) throw wrongType(value, `[]${type}`, walk, owner);
    for (let index = 0; index < value.length; index += 1) {
      walk.path.push(index);
      value[index] = single(value[index], walk);
      walk.path.pop();
    }
    return value;
  };
}

function mapCheck(single: Checker, type: string, owner: string): Checker {
  return (value, walk) => {
    if (!isFields(value)) throw wrongType(value, `map[string]${type}`, walk, owner);
    for (const key of Object.keys(value)) {
      walk.path.push({ key });
      const kept = single(value[key], walk);
      if (kept !== value[key])
        Object.defineProperty(value, key, {
          value: kept,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      walk.path.pop();
    }
    return value;
  };
}

const isEmpty = (value: unknown): boolean => {
  if (value === "" || value === 0 || value === false) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.keys(value).length === 0;
};

/** Go leaves an empty value out of JSON unless it is a pointer; a struct is never empty. */
function isOmitted(field: FieldSchema): (value: unknown) => boolean {
  const keeps = field.omit === "never" || (field.pointer && field.shape === "one");
  const isStruct = field.isMessage && field.shape === "one" && field.omit === "empty";
  const isOpaque = ["rawExtension", "json", "fieldsV1", "intOrString", "quantity"];
  if (keeps || isStruct || (field.shape === "one" && isOpaque.includes(field.type)))
    return () => false;
  return isEmpty;
}

function fieldCheck(checkers: Checkers, field: FieldSchema, owner: string): FieldCheck {
  const single = singleCheck(checkers, field, owner);
  const type = field.isMessage ? goType(field.type) : field.type;
  const many: Readonly<Record<FieldSchema["shape"], () => Checker>> = {
    one: () => single,
    list: () => listCheck(single, type, owner),
    map: () => mapCheck(single, type, owner),
    "map-of-lists": () => mapCheck(listCheck(single, type, owner), `[]${type}`, owner),
  };
  const check = many[field.shape]();
  const omits = isOmitted(field);
  return (value, walk) => {
    if (value === null || value === undefined) return undefined;
    const kept = check(value, walk);
    return omits(kept) ? undefined : kept;
  };
}

/** What Go always writes: plain scalars without omitempty, plain structs, and lists as []. */
function alwaysThere(field: FieldSchema): (() => unknown) | undefined {
  if (field.pointer || field.omit === "zero") return undefined;
  if (field.shape === "one" && field.isMessage) return () => ({});
  if (field.omit === "empty") return undefined;
  if (field.shape === "list") return () => [];
  if (field.shape !== "one") return () => ({});
  const zero = zeros[field.type];
  return zero === undefined ? undefined : () => zero;
}

const zeros: Readonly<Record<string, unknown>> = {
  string: "",
  int32: 0,
  int64: 0,
  bool: false,
  double: 0,
  intOrString: 0,
};

interface NamedCheck {
  readonly check: FieldCheck;
  readonly embedded: { readonly embedded: string } | undefined;
}

interface Compiled {
  readonly checks: ReadonlyMap<string, NamedCheck>;
  readonly always: readonly (readonly [name: string, value: () => unknown, check: FieldCheck])[];
}

function compileFields(checkers: Checkers, { key, properties }: MessageSchema): Compiled {
  const checks = new Map<string, NamedCheck>();
  const always: (readonly [string, () => unknown, FieldCheck])[] = [];
  for (const [name, field] of properties) {
    const check = fieldCheck(checkers, field, key);
    const { embeddedIn } = field;
    const embedded = embeddedIn === undefined ? undefined : { embedded: embeddedIn };
    checks.set(name, { check, embedded });
    const value = alwaysThere(field);
    if (value !== undefined) always.push([name, value, check]);
  }
  return { checks, always };
}

/** Deleting properties makes objects slow; one with leavings is built anew instead. */
function without(object: Fields, dropped: readonly string[]): Fields {
  const kept: Fields = {};
  for (const name of Object.keys(object)) if (!dropped.includes(name)) kept[name] = object[name];
  return kept;
}

function checkOne(
  named: NamedCheck | undefined,
  name: string,
  value: unknown,
  walk: Walk,
): unknown {
  const depth = walk.path.length;
  if (named?.embedded !== undefined) walk.path.push(named.embedded);
  walk.path.push(name);
  if (named === undefined) walk.unknownFields.push(formatPath(walk.path));
  const kept = named?.check(value, walk);
  walk.path.length = depth;
  return kept;
}

export function compileChecker(checkers: Checkers, message: MessageSchema): Checker {
  let compiled: Compiled | undefined;
  return (value, walk) => {
    if (!isFields(value)) throw wrongType(value, goType(message.key), walk);
    compiled ??= compileFields(checkers, message);
    const { checks, always } = compiled;
    const dropped: string[] = [];
    for (const name of Object.keys(value)) {
      const kept = checkOne(checks.get(name), name, value[name], walk);
      if (kept === undefined) dropped.push(name);
      else if (kept !== value[name]) value[name] = kept;
    }
    const object = dropped.length === 0 ? value : without(value, dropped);
    for (const [name, fallback, check] of always)
      if (object[name] === undefined) object[name] = check(fallback(), walk);
    return object;
  };
}
