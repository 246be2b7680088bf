/**
 * explain: what the server's OpenAPI v3 document says of a kind or of one of its fields, as text.
 * Pure.
 */
import { UsageError } from "../base/flags.ts";

/** A schema of OpenAPI v3, as far as it is read here. */
export interface OpenApiSchema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly allOf?: readonly OpenApiSchema[];
  readonly $ref?: string;
  readonly "x-kubernetes-group-version-kind"?: readonly GroupVersionKind[];
}
interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
export interface OpenApiDocument {
  readonly components?: { readonly schemas?: Readonly<Record<string, OpenApiSchema>> };
}

const columnMax = 80;
const indentColumns = 4;

/** Words of a list's beginning: its line is not joined to the one before. */
const bullet = /^(?:\d+\.?|-|\*)\s/;

/** Lines of at most `columns`, words kept whole; code, empty lines and lists stay as they are. */
export function wrapped(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  const flush = (): void => {
    if (line !== "") lines.push(line);
    line = "";
  };
  for (const source of text.split("\n")) {
    if (source.startsWith("    ")) {
      flush();
      lines.push(source);
      continue;
    }
    const isEmpty = source.trim() === "";
    if (isEmpty || line.endsWith(":") || bullet.test(source.trim())) flush();
    if (isEmpty && lines.length > 0) lines.push("");
    for (const word of source.split(/\s+/).filter((one) => one !== "")) {
      if (line !== "" && line.length + 1 + word.length > columns) flush();
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  flush();
  return lines;
}

const indented = (text: string, columns: number): string =>
  wrapped(text, columnMax - columns)
    .map((line) => `${" ".repeat(columns)}${line}\n`)
    .join("");

class Schemas {
  readonly #schemas: Readonly<Record<string, OpenApiSchema>>;
  constructor(document: OpenApiDocument) {
    this.#schemas = document.components?.schemas ?? {};
  }

  ofKind({ group, version, kind }: GroupVersionKind): OpenApiSchema | undefined {
    return Object.values(this.#schemas).find((schema) =>
      schema["x-kubernetes-group-version-kind"]?.some(
        (one) => one.group === group && one.version === version && one.kind === kind,
      ),
    );
  }
  at(reference: string): OpenApiSchema | undefined {
    return this.#schemas[reference.split("/").at(-1) ?? ""];
  }

  /** What stands inside it: a list's items, a map's values, what it refers to. */
  inside(schema: OpenApiSchema): readonly OpenApiSchema[] {
    const { items, additionalProperties, allOf = [], $ref } = schema;
    const target = $ref === undefined ? undefined : this.at($ref);
    return [
      ...(target === undefined ? [] : [target]),
      ...allOf,
      ...(items === undefined ? [] : [items]),
      ...(typeof additionalProperties === "object" ? [additionalProperties] : []),
    ];
  }

  /** The schema whose own fields are meant: through lists, maps and references. */
  fieldsOf(schema: OpenApiSchema): OpenApiSchema | undefined {
    if (schema.properties !== undefined) return schema;
    for (const inner of this.inside(schema)) {
      const found = this.fieldsOf(inner);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  descriptions(schema: OpenApiSchema): readonly string[] {
    const own = schema.description ?? "";
    const inner = this.inside(schema).flatMap((one) => this.descriptions(one));
    return own === "" ? inner : [own, ...inner];
  }

  typeOf(schema: OpenApiSchema): string {
    const { $ref, items, additionalProperties, allOf, type } = schema;
    if (typeof additionalProperties === "object")
      return `map[string]${this.typeOf(additionalProperties)}`;
    if (items !== undefined) return `[]${this.typeOf(items)}`;
    const [only] = allOf ?? [];
    if (only !== undefined) return this.typeOf(only);
    if ($ref !== undefined) {
      const target = this.at($ref)?.type ?? "object";
      return target === "object" ? ($ref.split(".").at(-1) ?? "") : target;
    }
    return type === undefined || type === "object" ? "Object" : type;
  }

  values(schema: OpenApiSchema): readonly string[] {
    if (schema.enum !== undefined) return schema.enum;
    return this.inside(schema).flatMap((one) => this.values(one));
  }
}

interface Shown {
  readonly schemas: Schemas;
  readonly isRecursive: boolean;
}

/** More values are not listed beside a field. */
const valuesMax = 4;

/** "name	<string> -required-" */
const heading = (name: string, type: string, isRequired: boolean): string =>
  `${name}\t<${type}>${isRequired ? " -required-" : ""}`;

function valuesLine(values: readonly string[], indent: string): string {
  if (values.length === 0) return "";
  const sorted = values.toSorted();
  const shown = sorted.slice(0, valuesMax).join(", ");
  return `${indent}enum: ${shown}${sorted.length > valuesMax ? ", ...." : ""}\n`;
}

/** A schema that holds itself is opened once. */
function fieldList(
  { schemas, isRecursive }: Shown,
  holder: OpenApiSchema,
  columns: number,
  above: readonly OpenApiSchema[] = [],
): string {
  const indent = " ".repeat(columns);
  return Object.entries(holder.properties ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => {
      const isRequired = holder.required?.includes(name) === true;
      const head = `${indent}${heading(name, schemas.typeOf(schema), isRequired)}\n`;
      const values = valuesLine(schemas.values(schema), indent);
      if (!isRecursive) {
        const text = schema.description || "<no description>";
        return `${head}${values}${indented(text, columns + 2)}\n`;
      }
      const inner = schemas.fieldsOf(schema);
      if (inner === undefined || above.includes(inner) || inner === holder) return head + values;
      const path = [...above, holder];
      return head + values + fieldList({ schemas, isRecursive }, inner, columns + 2, path);
    })
    .join("");
}

/** Descends to the field that the path names. Throws UsageError where there is none. */
function fieldAt(schemas: Schemas, root: OpenApiSchema, path: readonly string[]): OpenApiSchema {
  let schema = root;
  for (const name of path) {
    const next = schemas.fieldsOf(schema)?.properties?.[name];
    if (next === undefined) throw new UsageError(`field "${name}" does not exist`);
    schema = next;
  }
  return schema;
}

export interface Explained extends GroupVersionKind {
  readonly path: readonly string[];
  readonly isRecursive: boolean;
}

/** The lines above everything: printed even where the field does not exist. */
export const explainHead = ({ group, version, kind }: GroupVersionKind): string =>
  `${group === "" ? "" : `GROUP:      ${group}\n`}KIND:       ${kind}\nVERSION:    ${version}\n\n`;

function explainField(schemas: Schemas, name: string, schema: OpenApiSchema): string {
  const values = schemas.values(schema);
  const listed = values.map((value) => `    ${value}\n`).join("");
  const type = schemas.typeOf(schema);
  return `FIELD: ${name} <${type}>\n${values.length === 0 ? "\n" : `ENUM:\n${listed}`}\n`;
}

/** Undefined: the document has no such kind. Throws UsageError for a field that is not there. */
export function explainBody(document: OpenApiDocument, asked: Explained): string | undefined {
  const schemas = new Schemas(document);
  const root = schemas.ofKind(asked);
  if (root === undefined) return undefined;
  const schema = fieldAt(schemas, root, asked.path);
  const name = asked.path.at(-1);
  const texts = schemas.descriptions(schema);
  const described =
    texts.length === 0
      ? "    <empty>\n"
      : `${texts.map((text) => indented(text, indentColumns)).join("")}    \n`;
  const holder = schemas.fieldsOf(schema);
  const shown = { schemas, isRecursive: asked.isRecursive };
  return [
    name === undefined ? "" : explainField(schemas, name, schema),
    `DESCRIPTION:\n${described}`,
    holder === undefined ? "" : `FIELDS:\n${fieldList(shown, holder, 2)}`,
    "\n",
  ].join("");
}
