import type { Kubectl } from "../command.ts";
import { ManyFailures } from "../failures.ts";
import { sortByPath } from "../print/sort-by-path.ts";
import { ColumnPrinter, tableCells, type Table } from "../print/table.ts";
import { qualifiedKind, type ApiResource } from "../resource-mapper.ts";
import { fetchPages, Missing, type Asked } from "./fetch.ts";
import type { GetFlags } from "./get-flags.ts";
import { watchAsked } from "./watch.ts";

const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/** Tables that stand below each other as one: of one resource. */
interface Group {
  readonly resource: ApiResource;
  readonly asked: Asked[];
}

function groupsOf(asked: readonly Asked[]): readonly Group[] {
  const groups: Group[] = [];
  for (const one of asked) {
    const last = groups.at(-1);
    if (last?.resource === one.target.resource) last.asked.push(one);
    else groups.push({ resource: one.target.resource, asked: [one] });
  }
  return groups;
}

/** Prints tables of one resource; the header comes with the first row. */
class TablePrinter {
  readonly #kubectl: Kubectl;
  readonly #options: Parameters<typeof tableCells>[1];
  readonly #printer = new ColumnPrinter();
  readonly #withEvents: boolean;
  #headerIsDue: boolean;

  constructor(kubectl: Kubectl, given: GetFlags, resource: ApiResource, hasKinds: boolean) {
    this.#kubectl = kubectl;
    this.#withEvents = given["output-watch-events"] && (given.watch || given["watch-only"]);
    this.#headerIsDue = !given["no-headers"];
    this.#options = {
      wide: given.output === "wide",
      withNamespace: given["all-namespaces"] && resource.namespaced,
      showLabels: given["show-labels"],
      labelColumns: given["label-columns"].flatMap((labels) => labels.split(",")),
      ...(hasKinds ? { kindPrefix: qualifiedKind(resource) } : {}),
    };
  }

  print(table: Table, event = "ADDED"): void {
    const [header = [], ...rows] = tableCells(table, this.#options);
    if (rows.length === 0) return;
    const shown = [
      ...(this.#headerIsDue ? [this.#withEvents ? ["EVENT", ...header] : header] : []),
      ...rows.map((row) => (this.#withEvents ? [event, ...row] : row)),
    ];
    this.#headerIsDue = false;
    this.#kubectl.terminal.out(this.#printer.lines(shown));
  }
}

async function fetchTable(
  kubectl: Kubectl,
  { asked }: Group,
  given: GetFlags,
  missing: Missing,
): Promise<Table | undefined> {
  const extra = given["sort-by"] === undefined ? {} : { includeObject: "Object" };
  const pages: Table[] = [];
  for (const one of asked) {
    const fetched = fetchPages<Table>(kubectl, one, given, { accept, extra });
    pages.push(...((await missing.unlessMissing(given, fetched)) ?? []));
  }
  const [first] = pages;
  if (first === undefined) return undefined;
  const rows = pages.flatMap((page) => page.rows ?? []);
  const { metadata } = pages.at(-1) ?? first;
  const sorted = sortByPath(rows, given["sort-by"], (row) => row.object);
  return { ...first, ...(metadata === undefined ? {} : { metadata }), rows: sorted };
}

/** get without -o, and -o wide: the server makes the tables. */
export async function printTables(
  kubectl: Kubectl,
  asked: readonly Asked[],
  given: GetFlags,
): Promise<number> {
  const groups = groupsOf(asked);
  const hasKinds = groups.length > 1 || given["show-kind"];
  const missing = new Missing();
  let printed = 0;
  for (const group of groups) {
    const printer = new TablePrinter(kubectl, given, group.resource, hasKinds);
    const table = given["watch-only"]
      ? undefined
      : await fetchTable(kubectl, group, given, missing);
    if (table !== undefined) {
      if (printed > 0 && table.rows.length > 0) kubectl.terminal.out("\n");
      printer.print(table);
      printed += table.rows.length;
    }
    const [one] = group.asked;
    if ((given.watch || given["watch-only"]) && one !== undefined && missing.errors.length === 0)
      await watchTable(kubectl, one, given, { printer, from: table?.metadata?.resourceVersion });
  }
  const isList = asked.every((one) => one.target.name === undefined);
  const isSilent = given["ignore-not-found"] || given.watch || given["watch-only"];
  if (printed === 0 && missing.errors.length === 0 && isList && !isSilent)
    tellNothing(kubectl, groups, given);
  if (missing.errors.length > 0) throw new ManyFailures(missing.errors);
  return 0;
}

function tellNothing({ terminal, namespace }: Kubectl, groups: readonly Group[], given: GetFlags) {
  const isNamespaced = groups.some(({ resource }) => resource.namespaced);
  const where = isNamespaced && !given["all-namespaces"] ? ` in ${namespace} namespace.` : "";
  terminal.err(`No resources found${where}\n`);
}

/** Prints changes as rows until the server or the user ends it. */
async function watchTable(
  kubectl: Kubectl,
  one: Asked,
  given: GetFlags,
  { printer, from }: { readonly printer: TablePrinter; readonly from: string | undefined },
): Promise<void> {
  let columns: Table["columnDefinitions"] = [];
  const since = { resourceVersion: from, accept };
  for await (const { type, object } of watchAsked(kubectl, one, given, since)) {
    const table = object as Table;
    if (table.kind !== "Table") continue;
    // Only the first event of a watch carries the column definitions.
    if ((table.columnDefinitions ?? []).length > 0) columns = table.columnDefinitions;
    printer.print({ ...table, columnDefinitions: columns }, type);
  }
}
