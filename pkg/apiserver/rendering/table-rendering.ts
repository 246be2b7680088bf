/** `meta.k8s.io/v1 Table`: what people see of a kind, cell by cell; computed for each request. */
import type { KubeObject } from "../../../api/resource.ts";
import type { Entry } from "../cache/entry.ts";
import type { ChangeType } from "../cache/event-ring.ts";
import type { Column, Resource } from "../resource.ts";
import type { ObjectCache } from "../cache/object-cache.ts";
import { bookmarkObject, jsonFrame } from "./json-rendering.ts";
import { jsonFailure, type ListPage, listMetaText, type Rendering } from "./rendering.ts";

/** What comes with each row, by ?includeObject=. */
export type Included = "None" | "Metadata" | "Object";

const definitionOf = ({ name, type, format, priority }: Column<KubeObject>) => ({
  name,
  type,
  format: format ?? "",
  description: "",
  priority,
});

/** A kind that says nothing of itself shows its name and its age. */
const fallback: readonly Column<KubeObject>[] = [
  {
    name: "Name",
    type: "string",
    format: "name",
    priority: 0,
    cell: ({ metadata }) => metadata?.name ?? "",
  },
];

const columnsOf = ({ columns }: Resource): readonly Column<KubeObject>[] =>
  columns.length === 0 ? fallback : columns;

function includedText(entry: Entry, object: KubeObject, included: Included): string {
  if (included === "None") return "";
  if (included === "Object") return `,"object":${entry.json.toString()}`;
  const metadata = JSON.stringify(object.metadata);
  const type = '"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1"';
  return `,"object":{${type},"metadata":${metadata}}`;
}

export function tableRendering(
  cache: ObjectCache,
  included: Included,
  now: () => number,
): Rendering {
  const columns = columnsOf(cache.codec.resource);
  const definitions = JSON.stringify(columns.map(definitionOf));
  const type = '{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":';
  const row = (entry: Entry): string => {
    const object = cache.objectOf(entry);
    const at = now();
    const cells = JSON.stringify(columns.map(({ cell }) => cell(object, at)));
    return `{"cells":${cells}${includedText(entry, object, included)}}`;
  };
  const table = (metadata: string, entries: readonly Entry[]): Buffer => {
    const rows = entries.map(row).join(",");
    return Buffer.from(`${type}${metadata},"columnDefinitions":${definitions},"rows":[${rows}]}`);
  };
  const one = (entry: Entry): Buffer =>
    table(JSON.stringify({ resourceVersion: String(entry.revision) }), [entry]);
  return {
    id: `table ${included}`,
    contentType: "application/json",
    watchContentType: "application/json",
    object: one,
    list: (page: ListPage) => table(listMetaText(page), page.entries),
    frame: (change: ChangeType, entry) => jsonFrame(change, one(entry)),
    failure: jsonFailure,
    bookmark: (revision, isInitialEnd) => {
      const { metadata } = bookmarkObject("", "", revision, isInitialEnd);
      const object = `${type}${JSON.stringify({ resourceVersion: metadata.resourceVersion })}`;
      const partial = JSON.stringify(
        bookmarkObject("PartialObjectMetadata", "meta.k8s.io/v1", revision, isInitialEnd),
      );
      const rows = `"rows":[{"cells":[],"object":${partial}}]`;
      return Buffer.from(
        `{"type":"BOOKMARK","object":${object},"columnDefinitions":${definitions},${rows}}}\n`,
      );
    },
  };
}
