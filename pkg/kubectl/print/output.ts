import { UsageError } from "../../base/flags.ts";
import { evaluateJsonPath, parseJsonPath } from "./json-path.ts";

/** How objects are written: -o json, yaml, name, jsonpath=…, custom-columns=…. */
export type ObjectPrinter = (object: unknown) => Promise<string>;

const formats = ["json", "yaml", "name", "wide", "jsonpath", "custom-columns"];

/** The printer of an -o value; undefined for tables ("" and wide). */
export function objectPrinter(
  format: string | undefined,
  nameOf: (object: unknown) => string,
): ObjectPrinter | undefined {
  const [kind = "", ...rest] = (format ?? "").split("=");
  const argument = rest.join("=");
  switch (kind) {
    case "":
    case "wide":
      return undefined;
    case "json":
      return async (object) => `${JSON.stringify(object, undefined, 4)}\n`;
    case "yaml":
      return printYaml;
    case "name":
      return async (object) =>
        itemsOf(object)
          .map((item) => `${nameOf(item)}\n`)
          .join("");
    case "jsonpath": {
      const template = parseJsonPath(argument);
      return async (object) => evaluateJsonPath(template, object);
    }
    case "custom-columns":
      return customColumns(argument);
    default:
      throw new UsageError(
        `unable to match a printer suitable for the output format "${format}", allowed formats are: ${formats.join(",")}`,
      );
  }
}

const itemsOf = (object: unknown): readonly unknown[] => {
  const items = (object as { items?: unknown }).items;
  return Array.isArray(items) ? items : [object];
};

async function printYaml(object: unknown): Promise<string> {
  const { stringify } = await import("yaml");
  // As upstream's encoder: sorted keys, long lines kept, lists not indented.
  return stringify(object, {
    lineWidth: 0,
    sortMapEntries: true,
    indentSeq: false,
    aliasDuplicateObjects: false,
  });
}

function customColumns(spec: string): ObjectPrinter {
  const columns = spec.split(",").map((column) => {
    const at = column.indexOf(":");
    if (at <= 0)
      throw new UsageError(`expected <header>:<json-path-expr> in custom-columns, got: ${column}`);
    const path = column.slice(at + 1).replace(/^\{(.*)\}$/, "$1");
    return {
      header: column.slice(0, at),
      path: parseJsonPath(`{${path.startsWith(".") ? "" : "."}${path}}`),
    };
  });
  return async (object) => {
    const rows = itemsOf(object).map((item) =>
      columns.map(({ path }) => evaluateJsonPath(path, item) || "<none>"),
    );
    const { ColumnPrinter } = await import("./table.ts");
    return new ColumnPrinter().lines([columns.map((column) => column.header), ...rows]);
  };
}
