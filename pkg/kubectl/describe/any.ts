import type { KubeObject } from "../../../api/resource.ts";
import { writeHead } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

type Fields = Readonly<Record<string, unknown>>;

const acronyms = new Set(["api", "url", "uid", "osb", "guid"]);

/** "podCIDR" → "Pod CIDR", "apiVersion" → "API Version". */
function labelOf(field: string): string {
  const words = field.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+|[^A-Za-z0-9]+/g) ?? [field];
  if (/[^A-Za-z0-9]/.test(field)) return field;
  return words
    .map((word) =>
      acronyms.has(word.toLowerCase())
        ? word.toUpperCase()
        : word.charAt(0).toUpperCase() + word.slice(1),
    )
    .join(" ");
}

/** Told in the head already, or of no use to people. */
const hidden = new Set(["managedFields", "name", "namespace", "labels", "annotations"]);

const scalarText = (value: unknown): string =>
  typeof value === "string" ? value : value === null ? "<nil>" : JSON.stringify(value);

function writeFields(out: TabLines, level: number, fields: Fields): void {
  for (const [key, value] of Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const title = labelOf(key);
    if (Array.isArray(value)) {
      out.line(level, `${title}:`);
      for (const item of value) writeItem(out, level + 1, item);
    } else if (typeof value === "object" && value !== null) {
      out.line(level, `${title}:`);
      writeFields(out, level + 1, value as Fields);
    } else out.line(level, `${title}:\t${scalarText(value)}`);
  }
}

function writeItem(out: TabLines, level: number, item: unknown): void {
  if (typeof item === "object" && item !== null) writeFields(out, level, item as Fields);
  else out.line(level, scalarText(item));
}

/** Field by field, for kinds without a describer of their own. */
export function describeAny(object: KubeObject, out: TabLines): void {
  writeHead(out, object);
  const { metadata, ...fields } = object as KubeObject & Fields;
  const shown = Object.entries(metadata ?? {}).filter(([key]) => !hidden.has(key));
  writeFields(out, 0, { ...fields, metadata: Object.fromEntries(shown) });
}
