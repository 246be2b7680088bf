import { UsageError } from "../../base/flags.ts";
import { evaluateJsonPath, findTexts, parseJsonPath, relaxedPath } from "./json-path.ts";
import { jsonText } from "./json-text.ts";
import { ColumnPrinter } from "./table.ts";
import { yamlText } from "./yaml-text.ts";

/** How objects are written: -o json, yaml, name, jsonpath=…, custom-columns=…. */
export type ObjectPrinter = (object: unknown) => Promise<string>;

export interface OutputOptions {
  readonly showManagedFields?: boolean;
  readonly noHeaders?: boolean;
}

const formats = ["custom-columns", "json", "jsonpath", "jsonpath-as-json", "name", "wide", "yaml"];

/** The printer of an -o value; undefined for tables ("" and wide). */
export function objectPrinter(
  format: string | undefined,
  nameOf: (object: unknown) => string,
  options: OutputOptions = {},
): ObjectPrinter | undefined {
  const [kind = "", ...rest] = (format ?? "").split("=");
  const argument = rest.join("=");
  const shown = (object: unknown): unknown =>
    options.showManagedFields === true ? object : withoutManagedFields(object);
  switch (kind) {
    case "":
    case "wide":
      return undefined;
    case "json":
      return async (object) => `${jsonText(shown(object), 4)}\n`;
    case "yaml":
      return yamlPrinter(shown);
    case "name":
      return async (object) =>
        itemsOf(object)
          .map((item) => `${nameOf(item)}\n`)
          .join("");
    case "jsonpath": {
      const template = parseJsonPath(templateOf(argument));
      return async (object) => evaluateJsonPath(template, object);
    }
    case "jsonpath-as-json": {
      const template = parseJsonPath(templateOf(argument));
      return async (object) => `[${findTexts(template, object).join(",")}]\n`;
    }
    case "custom-columns":
      return customColumns(argument, options);
    default:
      throw new UsageError(
        `unable to match a printer suitable for the output format "${format}", ` +
          `allowed formats are: ${formats.join(",")}`,
      );
  }
}

function templateOf(argument: string): string {
  if (argument !== "") return argument;
  throw new UsageError("template format specified but no template given");
}

const itemsOf = (object: unknown): readonly unknown[] => {
  const items = (object as { items?: unknown }).items;
  return Array.isArray(items) ? items : [object];
};

interface Loose {
  readonly metadata?: { readonly managedFields?: unknown };
  readonly items?: readonly Loose[];
}

/** Who manages which field is rarely what people look for. */
function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== "object" || object === null) return object;
  const { metadata, items, ...rest } = object as Loose;
  const { managedFields: _managers, ...own } = metadata ?? {};
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: own }),
    ...(items === undefined ? {} : { items: items.map(withoutManagedFields) }),
  };
}

/** Several objects are documents of one stream. */
function yamlPrinter(shown: (object: unknown) => unknown): ObjectPrinter {
  let separator = "";
  return async (object) => {
    const text = `${separator}${yamlText(shown(object))}`;
    separator = "---\n";
    return text;
  };
}

function customColumns(spec: string, { noHeaders }: OutputOptions): ObjectPrinter {
  if (spec === "")
    throw new UsageError("custom-columns format specified but no custom columns given");
  const columns = spec.split(",").map((column) => {
    const at = column.indexOf(":");
    if (at <= 0) {
      throw new UsageError(
        `unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`,
      );
    }
    const template = parseJsonPath(relaxedPath(column.slice(at + 1)));
    return { header: column.slice(0, at), template };
  });
  const printer = new ColumnPrinter();
  let headerIsDue = noHeaders !== true;
  return async (object) => {
    const rows = itemsOf(object).map((item) =>
      columns.map(({ template }) => findTexts(template, item).join(",") || "<none>"),
    );
    const header = headerIsDue ? [columns.map((column) => column.header)] : [];
    headerIsDue = false;
    return printer.lines([...header, ...rows]);
  };
}
