/** api/schema/<group>-<version>.ts: message tables, and api/schema.ts: the list of them. */
import { isPublished } from "./emit-types.ts";
import type { Model, ModelField, ModelMessage } from "./model.ts";
import { head, property, type Files } from "./output.ts";

const shapes: Readonly<Record<ModelField["shape"], string>> = {
  one: "",
  list: "[]",
  map: "{string}",
  "map-of-lists": "{string}[]",
};
const omits: Readonly<Record<ModelField["omit"], string>> = { never: "", empty: "o", zero: "z" };

/** OpenAPI repeats the zero value of what Go always writes; a reader of the table knows it. */
function impliedDefault({ type, shape, pointer, omit }: ModelField): string | undefined {
  if (pointer || shape !== "one") return undefined;
  if (type.includes(".")) return "{}";
  if (omit !== "never") return undefined;
  if (type === "string") return '""';
  return type === "bool" ? "false" : type.startsWith("int") ? "0" : undefined;
}

function keywords(field: ModelField): readonly string[] {
  const { schema } = field;
  const fallback = JSON.stringify(schema.default);
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"]?.join(",");
  const patch = schema["x-kubernetes-patch-strategy"];
  const mergeKey = schema["x-kubernetes-patch-merge-key"];
  const mapType = schema["x-kubernetes-map-type"];
  return [
    ...(fallback === undefined || fallback === impliedDefault(field)
      ? []
      : [`default=${fallback}`]),
    ...(listType === undefined ? [] : [`list=${listType}${keys === undefined ? "" : `:${keys}`}`]),
    ...(patch === undefined
      ? []
      : [`patch=${patch}${mergeKey === undefined ? "" : `:${mergeKey}`}`]),
    ...(mapType === undefined ? [] : [`map=${mapType}`]),
  ];
}

function line(field: ModelField): string {
  const letters = [
    field.pointer ? "*" : "",
    omits[field.omit],
    field.required ? "!" : "",
    field.wrapped ? "w" : "",
  ].join("");
  const type = `${shapes[field.shape]}${field.type}`;
  const parts = [field.inline ? "." : field.json, field.number, type, letters];
  return [...parts, ...keywords(field)].filter((part) => part !== "").join(" ");
}

function message({ key, isKind, fields, mapType, unions }: ModelMessage): string {
  const about =
    mapType === "" && unions.length === 0
      ? []
      : [
          `@ ${[mapType && `map=${mapType}`, unions.length > 0 && `unions=${JSON.stringify(unions)}`].filter(Boolean).join(" ")}`,
        ];
  const kind = isKind ? ["kind 0 string o", "apiVersion 0 string o"] : [];
  const lines = [...about, ...kind, ...fields.map(line)];
  const name = property(key.slice(key.lastIndexOf(".") + 1));
  if (lines.length === 0) return `  ${name}: "",\n`;
  return `  ${name}: \`\n${lines.map((one) => `    ${one}\n`).join("")}  \`,\n`;
}

const constantOf = (group: string): string =>
  group.replace(/\.(\w)/, (_, letter: string) => letter.toUpperCase());

function index(groups: readonly string[], name: string): string {
  const imports = groups.map(
    (group) => `import { ${constantOf(group)} } from "./schema/${group.replace(".", "-")}.ts";\n`,
  );
  const entries = groups.map((group) => `  "${group}": ${constantOf(group)},\n`).join("");
  return [
    `${head}\nimport type { MessageTable } from "./message.ts";\n${imports.join("")}\n`,
    "/** By group and version: the tables whose syntax message.ts describes. */\n",
    `export const ${name}: Readonly<Record<string, MessageTable>> = {\n${entries}};\n`,
  ].join("");
}

export function emitSchema(model: Model, files: Files): void {
  const groups = Map.groupBy([...model.values()], ({ key }) => key.slice(0, key.lastIndexOf(".")));
  const real = [...groups].filter(([group]) => group.includes("."));
  for (const [group, messages] of real) {
    const text = messages.map(message).join("");
    const table = `export const ${constantOf(group)}: MessageTable = {\n${text}};\n`;
    const start = `${head}\nimport type { MessageTable } from "../message.ts";\n\n`;
    files.set(`api/schema/${group.replace(".", "-")}.ts`, `${start}${table}`);
  }
  const names = real.map(([group]) => group);
  files.set("api/schema.ts", index(names.filter(isPublished), "schemaTables"));
  const others = names.filter((group) => !isPublished(group));
  files.set("api/prerelease-schema.ts", index(others, "prereleaseTables"));
}
