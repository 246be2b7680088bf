/**
 * pkg/machinery is what objects can do: be decoded, encoded, compared, selected, patched, applied;
 * and what all components must judge alike of them. It reads no clock, opens nothing, asks nobody.
 *
 * Here: the message tables of api/ as values: each message is parsed from its text when first asked
 * for, so that a program pays only for the kinds that it touches.
 */
import type { MessageTable } from "../../api/message.ts";
import { schemaTables } from "../../api/schema.ts";

export type Shape = "one" | "list" | "map" | "map-of-lists";

export interface FieldSchema {
  /** Property in JSON; "" for a struct whose fields belong to the outer object. */
  readonly name: string;
  /** 0: not in protobuf. */
  readonly number: number;
  /** A scalar, or the key of a message. */
  readonly type: string;
  readonly isMessage: boolean;
  readonly shape: Shape;
  /** In protobuf the list is a message with one repeated field. */
  readonly wrapped: boolean;
  readonly inline: boolean;
  /** Of a property: the embedded struct that it comes from. */
  readonly embeddedIn?: string;
  readonly pointer: boolean;
  /** Proto3: written even when zero. */
  readonly presence: boolean;
  /** When JSON leaves it out. */
  readonly omit: "never" | "empty" | "zero";
  readonly required: boolean;
  readonly default?: unknown;
  readonly listType?: "atomic" | "set" | "map";
  /** For listType "map". */
  readonly listKeys: readonly string[];
  readonly mapType?: "atomic" | "granular";
  /** Of strategic merge: "merge", "replace", "retainKeys". */
  readonly patchStrategies: readonly string[];
  readonly mergeKey?: string;
}

export interface MessageSchema {
  /** "core.v1.Pod" */
  readonly key: string;
  /** In the order of Go's struct, embedded structs as one field. */
  readonly fields: readonly FieldSchema[];
  /** By JSON name, those of embedded structs among them, in the order of upstream's JSON. */
  readonly properties: ReadonlyMap<string, FieldSchema>;
  readonly mapType?: "atomic" | "granular";
  readonly unions: readonly unknown[];
}

/** Where engines get messages from: the tables of api/, or a custom kind's own schema. */
export interface Schema {
  message(key: string): MessageSchema | undefined;
}

const scalarNames =
  "string bytes bool double float int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 " +
  "sfixed32 sfixed64 enum quantity intOrString time microTime duration rawExtension unknown " +
  "fieldsV1 json schemaOrArray schemaOrBool schemaOrStrings";
const scalars: ReadonlySet<string> = new Set(scalarNames.split(" "));

function parseType(text: string): Pick<FieldSchema, "type" | "shape" | "presence"> {
  const [, before = "", type = "", after = ""] =
    /^(\{\w+\}\[\]|\{\w+\}|\[\])?([\w.]+)(\?)?$/.exec(text) ?? [];
  const presence = after === "?";
  if (before === "") return { type, presence, shape: "one" };
  if (before === "[]") return { type, presence, shape: "list" };
  return { type, presence, shape: before.endsWith("[]") ? "map-of-lists" : "map" };
}

/** "list=map:name" → ["list", "map", "name"] */
function splitKeyword(text: string): readonly [string, string, string] {
  const equals = text.indexOf("=");
  const value = text.slice(equals + 1);
  const colon = value.indexOf(":");
  const end = colon < 0 ? value.length : colon;
  return [text.slice(0, equals), value.slice(0, end), value.slice(end + 1)];
}

const split = (text: string): readonly string[] => (text === "" ? [] : text.split(","));

function parseKeyword(text: string): Partial<FieldSchema> {
  const [name, value, detail] = splitKeyword(text);
  switch (name) {
    case "default":
      return { default: JSON.parse(text.slice(text.indexOf("=") + 1)) };
    case "list":
      return { listType: value as "atomic" | "set" | "map", listKeys: split(detail) };
    case "map":
      return { mapType: value as "atomic" | "granular" };
    case "patch":
      return {
        patchStrategies: split(value),
        ...(detail === "" ? {} : { mergeKey: detail }),
      };
    default:
      throw new Error(`message table: no keyword ${JSON.stringify(name)}`);
  }
}

function parseField(line: string): FieldSchema {
  const [name = "", number = "", type = "", ...rest] = line.split(" ");
  const letters = rest.find((one) => !one.includes("=")) ?? "";
  const parsed = parseType(type);
  const keywords = rest.filter((one) => one.includes("=")).map(parseKeyword);
  return Object.assign(
    {
      name: name === "." ? "" : name,
      number: Number(number),
      ...parsed,
      isMessage: !scalars.has(parsed.type),
      wrapped: letters.includes("w"),
      inline: name === ".",
      pointer: letters.includes("*"),
      omit: letters.includes("z") ? "zero" : letters.includes("o") ? "empty" : "never",
      required: letters.includes("!"),
      listKeys: [],
      patchStrategies: [],
    } satisfies FieldSchema,
    ...keywords,
  );
}

function parseAbout(line: string): Partial<MessageSchema> {
  const parts = line.split(" ").slice(1);
  const unions = parts.find((one) => one.startsWith("unions="));
  const map = parts.find((one) => one.startsWith("map="));
  return {
    ...(unions === undefined ? {} : { unions: JSON.parse(unions.slice("unions=".length)) }),
    ...(map === undefined ? {} : { mapType: map.slice("map=".length) as "atomic" }),
  };
}

const goNameOf = (key: string): string => key.slice(key.lastIndexOf(".") + 1);

function parseMessage(schema: Schema, key: string, text: string): MessageSchema {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const about = lines[0]?.startsWith("@ ") === true ? parseAbout(lines[0]) : {};
  const fields = lines.filter((line) => !line.startsWith("@ ")).map(parseField);
  const properties = new Map<string, FieldSchema>();
  for (const field of fields) {
    const inner = field.inline ? schema.message(field.type)?.properties : undefined;
    if (inner === undefined) properties.set(field.name, field);
    else
      for (const [name, property] of inner)
        properties.set(name, { ...property, embeddedIn: goNameOf(field.type) });
  }
  return { key, fields, properties, unions: [], ...about };
}

/** Messages of tables; `textOf` finds a message's text by its key. */
export class TableSchema implements Schema {
  readonly #messages = new Map<string, MessageSchema>();
  readonly #textOf: (key: string) => string | undefined;
  constructor(textOf: (key: string) => string | undefined) {
    this.#textOf = textOf;
  }
  message(key: string): MessageSchema | undefined {
    const known = this.#messages.get(key);
    if (known !== undefined) return known;
    const text = this.#textOf(key);
    if (text === undefined) return undefined;
    const message = parseMessage(this, key, text);
    this.#messages.set(key, message);
    return message;
  }
}

/** One table whose keys have no dots: CRI, etcd. */
export const schemaOfTable = (table: MessageTable): Schema => new TableSchema((key) => table[key]);

/** Several tables by group and version: "core.v1" → { Pod, … }. */
export const schemaOfTables = (tables: Readonly<Record<string, MessageTable>>): Schema =>
  new TableSchema((key) => {
    const dot = key.lastIndexOf(".");
    return tables[key.slice(0, dot)]?.[key.slice(dot + 1)];
  });

/** The kinds of Kubernetes v1.37, GA versions and what they refer to. */
export const kubernetesSchema: Schema = schemaOfTables(schemaTables);

/** For keys that stand in our own code or tables: a missing one is a programmer's error. */
export function messageOf(schema: Schema, key: string): MessageSchema {
  const message = schema.message(key);
  if (message === undefined) throw new Error(`no message ${key} in the schema`);
  return message;
}
