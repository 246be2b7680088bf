/** api/<group>/<version>.ts: one readonly interface a message, fields in upstream's order. */
import type { Model, ModelField, ModelMessage } from "./model.ts";
import { head, importTypes, property, type Files } from "./output.ts";

/** What a JSON value of each scalar is in TypeScript. */
const scalars: Readonly<Record<string, string>> = {
  string: "string",
  bool: "boolean",
  int32: "number",
  int64: "number",
  uint32: "number",
  double: "number",
  float: "number",
  bytes: "string",
};
/** Scalars with a name, defined in api/meta/v1.ts. */
const named: Readonly<Record<string, string>> = {
  quantity: "Quantity",
  intOrString: "IntOrString",
  time: "Time",
  microTime: "MicroTime",
  duration: "Duration",
  rawExtension: "RawExtension",
  unknown: "RawExtension",
  fieldsV1: "FieldsV1",
  json: "JSONValue",
};
/** apiextensions' unions of a schema and something simpler. */
const schemaUnions: Readonly<Record<string, string>> = {
  schemaOrArray: "JSONSchemaProps | readonly JSONSchemaProps[]",
  schemaOrBool: "JSONSchemaProps | boolean",
  schemaOrStrings: "JSONSchemaProps | readonly string[]",
};

const metaAliases = `
/** "100m", "2Gi": see pkg/machinery/quantity.ts. */
export type Quantity = string;
/** A number, or text such as "25%" or the name of a port. */
export type IntOrString = number | string;
/** RFC 3339, seconds: "2026-01-01T00:00:00Z". */
export type Time = string;
/** RFC 3339 with microseconds: "2026-01-01T00:00:00.000000Z". */
export type MicroTime = string;
/** "1m30s" */
export type Duration = string;
/** Any object, kept as it came. */
export type RawExtension = unknown;
/** Any JSON. */
export type JSONValue = unknown;
/** A set of fields: "f:metadata" → set, "." → itself. */
export type FieldsV1 = Readonly<Record<string, unknown>>;
`;

const groupOf = (key: string): string => key.slice(0, key.lastIndexOf("."));
const nameOf = (key: string): string => key.slice(key.lastIndexOf(".") + 1);

class TypesFile {
  readonly #group: string;
  readonly #imports = new Map<string, Set<string>>();
  readonly #model: Model;
  constructor(group: string, model: Model) {
    this.#group = group;
    this.#model = model;
  }

  #reference(key: string): string {
    const group = groupOf(key);
    if (group !== this.#group) {
      const names = this.#imports.get(group) ?? new Set();
      this.#imports.set(group, names.add(nameOf(key)));
    }
    return nameOf(key);
  }

  #single({ type }: ModelField): string {
    const alias = named[type];
    if (alias !== undefined) return this.#reference(`meta.v1.${alias}`);
    return scalars[type] ?? schemaUnions[type] ?? this.#reference(type);
  }

  #type(field: ModelField): string {
    const single = this.#single(field);
    const many = single.includes("|") ? `(${single})` : single;
    switch (field.shape) {
      case "one":
        return single;
      case "list":
        return `readonly ${many}[]`;
      case "map":
        return `Readonly<Record<string, ${single}>>`;
      case "map-of-lists":
        return `Readonly<Record<string, readonly ${many}[]>>`;
    }
  }

  #line(field: ModelField, isRequired: boolean): string {
    return `  readonly ${property(field.json)}${isRequired ? "" : "?"}: ${this.#type(field)};\n`;
  }

  /**
   * Go writes a plain scalar without omitempty always, whether OpenAPI calls it required or not.
   */
  #isAlwaysThere({ type, shape, pointer, omit }: ModelField): boolean {
    return scalars[type] !== undefined && shape === "one" && !pointer && omit === "never";
  }

  /** Objects may be written without what the server fills in, but not without what it needs. */
  #isRequired(message: ModelMessage, field: ModelField): boolean {
    if (!message.isKind) return field.required || this.#isAlwaysThere(field);
    if (field.json === "metadata" || field.json === "status") return false;
    const spec = field.json === "spec" ? this.#model.get(field.type) : undefined;
    return field.required || (spec?.fields.some(({ required }) => required) ?? false);
  }

  interface(message: ModelMessage): string {
    const inlined = message.fields.filter(({ inline }) => inline);
    const parents = inlined.map(({ type }) => this.#reference(type));
    const extending = parents.length === 0 ? "" : ` extends ${parents.join(", ")}`;
    const kind = "  readonly kind?: string;\n  readonly apiVersion?: string;\n";
    const own = message.fields
      .filter(({ inline }) => !inline)
      .map((field) => this.#line(field, this.#isRequired(message, field)));
    const body = `${message.isKind ? kind : ""}${own.join("")}`;
    const name = nameOf(message.key);
    if (body === "" && extending === "")
      return `export type ${name} = Readonly<Record<string, never>>;\n`;
    return `export interface ${name}${extending} {${body === "" ? "" : `\n${body}`}}\n`;
  }

  imports(): string {
    return [...this.#imports]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([group, names]) => `${importTypes(names, `../${group.replace(".", "/")}.ts`)}\n`)
      .join("");
  }
}

/** GA versions, and those that they refer to (jobs name pod groups). */
export const isPublished = (group: string): boolean =>
  /^[a-z]+\.v\d+$/.test(group) || group === "scheduling.v1alpha3";

export function emitTypes(model: Model, files: Files): void {
  const groups = Map.groupBy([...model.values()], ({ key }) => groupOf(key));
  for (const [group, messages] of groups) {
    if (!isPublished(group)) continue;
    const file = new TypesFile(group, model);
    const interfaces = messages.map((message) => file.interface(message));
    const aliases = group === "meta.v1" ? [metaAliases.trimStart()] : [];
    const parts = [file.imports(), ...aliases, ...interfaces].filter((part) => part !== "");
    files.set(`api/${group.replace(".", "/")}.ts`, `${head}\n${parts.join("\n")}`);
  }
}
