import type { Container } from "../../../api/core/v1.ts";
import type { LabelSelector } from "../../../api/meta/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { formatLabelSelector, SelectorError } from "../../machinery/label-selector.ts";
import type { Column } from "../resource.ts";
import { since } from "../../machinery/human-duration.ts";

type Cell<T> = Column<T>["cell"];

export const textColumn = <T>(name: string, cell: Cell<T>): Column<T> => ({
  name,
  type: "string",
  priority: 0,
  cell,
});

export const numberColumn = <T>(name: string, cell: (object: T) => number): Column<T> => ({
  name,
  type: "integer",
  priority: 0,
  cell,
});

/** Shown with -o wide only. */
export const wide = <T>(column: Column<T>): Column<T> => ({ ...column, priority: 1 });

export const nameColumn: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  priority: 0,
  cell: ({ metadata }) => metadata?.name ?? "",
};

export const ageColumn: Column<KubeObject> = textColumn("Age", ({ metadata }, now) =>
  since(metadata?.creationTimestamp, now),
);

/** Of kinds that have no columns of their own. */
export const createdAtColumn: Column<KubeObject> = {
  name: "Created At",
  type: "date",
  priority: 0,
  cell: ({ metadata }) => metadata?.creationTimestamp ?? "",
};

export const orNone = (text: string | undefined): string =>
  text === undefined || text === "" ? "<none>" : text;

export function selectorText(selector: LabelSelector | undefined): string {
  try {
    return formatLabelSelector(selector);
  } catch (error) {
    if (error instanceof SelectorError) return "<invalid>";
    throw error;
  }
}

/** What a controller of pods shows with -o wide: names, images, selector. */
export const templateColumns = <T>(
  containersOf: (object: T) => readonly Container[],
  selectorOf: (object: T) => LabelSelector | undefined,
): readonly Column<T>[] => [
  wide(textColumn("Containers", (object) => list(containersOf(object), ({ name }) => name))),
  wide(textColumn("Images", (object) => list(containersOf(object), ({ image = "" }) => image))),
  wide(textColumn("Selector", (object) => selectorText(selectorOf(object)))),
];

const list = <I>(items: readonly I[], text: (item: I) => string): string =>
  items.map(text).join(",");
