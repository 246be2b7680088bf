import type { KubeObject } from "../../../api/resource.ts";
import { isReason } from "../../machinery/status-error.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import type { Flags } from "../../base/flags.ts";
import { UsageError } from "../../base/flags.ts";
import { readManifests } from "../manifests.ts";
import { objectPrinter } from "../print/output.ts";
import { ColumnPrinter, tableCells, type Table } from "../print/table.ts";
import { parseTargets, type Target } from "../resource-args.ts";
import { apiVersionOf, pathOf, qualifiedKind, type ApiResource } from "../resource-mapper.ts";

const flags = {
  output: {
    short: "o",
    kind: "text",
    help: "Output format: json, yaml, name, wide, jsonpath=..., custom-columns=...",
  },
  selector: { short: "l", kind: "text", help: "Label selector: app=web,tier!=db" },
  "field-selector": { kind: "text", help: "Field selector: status.phase=Running" },
  "all-namespaces": { short: "A", kind: "bool", help: "Objects of all namespaces" },
  watch: { short: "w", kind: "bool", help: "After listing, watch for changes" },
  "watch-only": { kind: "bool", help: "Watch for changes without listing first" },
  "no-headers": { kind: "bool", help: "Leave out the table's header" },
  "show-labels": { kind: "bool", help: "Show all labels as the last column" },
  "show-kind": { kind: "bool", help: "Show kinds before names" },
  "label-columns": { short: "L", kind: "list", help: "Labels to show as columns" },
  "ignore-not-found": { kind: "bool", help: "No error for objects that are not there" },
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  "chunk-size": { kind: "number", help: "Objects a page of a large list (500)" },
  "sort-by": { kind: "text", help: "JSONPath of a field to sort by" },
} as const;
type GetFlags = Flags<typeof flags>;

const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const pageItems = 500;

/** One resource's answer to get, and what became of it. */
interface Asked {
  readonly target: Target;
  readonly path: string;
}

function queryOf(given: GetFlags, target: Target, extra: Record<string, string> = {}): string {
  const query = new URLSearchParams(extra);
  if (target.name === undefined && given.selector !== undefined)
    query.set("labelSelector", given.selector);
  if (target.name === undefined && given["field-selector"] !== undefined)
    query.set("fieldSelector", given["field-selector"]);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

async function targetsOf(
  kubectl: Kubectl,
  given: GetFlags,
  args: readonly string[],
): Promise<readonly Asked[]> {
  const mapper = await kubectl.mapper();
  const namespace = given["all-namespaces"] ? {} : { namespace: kubectl.namespace };
  if (given.filename.length > 0) {
    const manifests = await readManifests(given.filename, given.recursive, kubectl.files);
    return manifests.map(({ object }) => {
      const resource = mapper.byKind(object.apiVersion ?? "", object.kind ?? "");
      if (resource === undefined)
        throw new UsageError(
          `no matches for kind "${object.kind}" in version "${object.apiVersion}"`,
        );
      const name = object.metadata?.name ?? "";
      const at = { namespace: object.metadata?.namespace ?? kubectl.namespace, name };
      return { target: { resource, name }, path: pathOf(resource, at) };
    });
  }
  return parseTargets(args, mapper).map((target) => {
    if (target.name !== undefined && given["all-namespaces"]) {
      throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    }
    return {
      target,
      path: pathOf(target.resource, {
        ...namespace,
        ...(target.name === undefined ? {} : { name: target.name }),
      }),
    };
  });
}

/** All pages of a list, as one answer of the first page's shape. */
async function fetchWhole<T extends { metadata?: { continue?: string } }>(
  kubectl: Kubectl,
  { target, path }: Asked,
  given: GetFlags,
  accept: string,
): Promise<T[]> {
  const answers: T[] = [];
  const limit = given["chunk-size"] ?? pageItems;
  for (let next: string | undefined = ""; next !== undefined;) {
    const paging: Record<string, string> =
      target.name !== undefined || limit === 0 ? {} : { limit: `${limit}` };
    if (next !== "") paging["continue"] = next;
    const answer: T = await kubectl.api.send<T>({
      method: "GET",
      path: path + queryOf(given, target, paging),
      accept,
    });
    answers.push(answer);
    next = answer.metadata?.continue || undefined;
  }
  return answers;
}

interface ObjectList {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
  readonly items?: readonly KubeObject[];
}

/** Items of a list carry no kind on the wire; a printed object does. */
function objectsOf(
  answers: readonly (KubeObject | ObjectList)[],
  resource: ApiResource,
): readonly KubeObject[] {
  return answers.flatMap((answer) => {
    const items = (answer as ObjectList).items;
    if (!Array.isArray(items)) return [answer as KubeObject];
    const identity = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    return items.map((item: KubeObject) => ({ ...identity, ...item }));
  });
}

const nameOf = (resource: ApiResource, object: KubeObject): string =>
  `${qualifiedKind(resource)}/${object.metadata?.name ?? ""}`;

async function printObjects(
  kubectl: Kubectl,
  asked: readonly Asked[],
  given: GetFlags,
): Promise<number> {
  const names = new WeakMap<object, string>();
  const printer = objectPrinter(given.output, (object) => names.get(object as object) ?? "");
  const found: KubeObject[] = [];
  let failed = false;
  for (const one of asked) {
    try {
      const answers = await fetchWhole<ObjectList>(kubectl, one, given, "application/json");
      const objects = objectsOf(answers, one.target.resource);
      for (const object of objects) names.set(object, nameOf(one.target.resource, object));
      found.push(...objects);
    } catch (error) {
      failed = !tell(kubectl, given, error) || failed;
    }
  }
  const isOne = asked.length === 1 && asked[0]?.target.name !== undefined;
  if (isOne && found.length === 0) return failed ? 1 : 0;
  const list = { apiVersion: "v1", items: found, kind: "List", metadata: { resourceVersion: "" } };
  kubectl.terminal.out((await printer?.(isOne ? found[0] : list)) ?? "");
  return failed ? 1 : 0;
}

/** Says what went wrong with one of several targets; true when it is no failure. */
function tell(kubectl: Kubectl, given: GetFlags, error: unknown): boolean {
  if (!isReason(error, "NotFound")) throw error;
  if (given["ignore-not-found"]) return true;
  kubectl.terminal.err(`Error from server (NotFound): ${error.message}\n`);
  return false;
}

/** Rows by a JSONPath into each row's object; numbers as numbers. */
async function sorted(table: Table, path: string | undefined): Promise<Table> {
  if (path === undefined) return table;
  const { evaluateJsonPath, parseJsonPath } = await import("../print/json-path.ts");
  const template = parseJsonPath(`{${path.replace(/^\{(.*)\}$/, "$1")}}`);
  const key = (row: Table["rows"][number]): string => evaluateJsonPath(template, row.object);
  const rows = table.rows.toSorted((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
  return { ...table, rows };
}

interface TablePrint {
  readonly printer: ColumnPrinter;
  readonly options: Parameters<typeof tableCells>[1];
  headerIsDue: boolean;
}

function printTable(kubectl: Kubectl, table: Table, print: TablePrint): void {
  const [header, ...rows] = tableCells(table, print.options);
  if (rows.length === 0) return;
  const shown = print.headerIsDue && header !== undefined ? [header, ...rows] : rows;
  print.headerIsDue = false;
  kubectl.terminal.out(print.printer.lines(shown));
}

const withObject = (given: GetFlags): Record<string, string> =>
  given["sort-by"] === undefined ? {} : { includeObject: "Object" };

async function printTables(
  kubectl: Kubectl,
  asked: readonly Asked[],
  given: GetFlags,
): Promise<number> {
  let printed = 0;
  let failed = false;
  const several = new Set(asked.map((one) => one.target.resource)).size > 1;
  for (const one of asked) {
    const { resource } = one.target;
    const print: TablePrint = {
      printer: new ColumnPrinter(),
      headerIsDue: !given["no-headers"],
      options: {
        wide: given.output === "wide",
        withNamespace: given["all-namespaces"] && resource.namespaced,
        showLabels: given["show-labels"],
        labelColumns: given["label-columns"].flatMap((labels) => labels.split(",")),
        ...(several || given["show-kind"] ? { kindPrefix: qualifiedKind(resource) } : {}),
      },
    };
    try {
      const path = one.path + queryOf(given, one.target, withObject(given));
      const pages = given["watch-only"]
        ? []
        : await fetchWhole<Table>(
            kubectl,
            { ...one, path: path.split("?")[0] ?? "" },
            given,
            tableAccept,
          );
      const [first] = pages;
      if (first !== undefined) {
        const whole = await sorted(
          { ...first, rows: pages.flatMap((page) => page.rows) },
          given["sort-by"],
        );
        if (several && printed > 0 && whole.rows.length > 0) kubectl.terminal.out("\n");
        printTable(kubectl, whole, print);
        printed += whole.rows.length;
      }
      if (given.watch || given["watch-only"])
        await watchTable(kubectl, one, given, {
          print,
          from: pages.at(-1)?.metadata?.resourceVersion,
        });
    } catch (error) {
      failed = !tell(kubectl, given, error) || failed;
    }
  }
  if (
    printed === 0 &&
    !failed &&
    asked.every((one) => one.target.name === undefined) &&
    !given["ignore-not-found"]
  ) {
    const namespaced =
      asked.some((one) => one.target.resource.namespaced) && !given["all-namespaces"];
    kubectl.terminal.err(
      namespaced
        ? `No resources found in ${kubectl.namespace} namespace.\n`
        : "No resources found\n",
    );
  }
  return failed ? 1 : 0;
}

/** Prints changes as rows until the server or the user ends it. */
async function watchTable(
  kubectl: Kubectl,
  { target, path }: Asked,
  given: GetFlags,
  { print, from }: { readonly print: TablePrint; readonly from: string | undefined },
): Promise<void> {
  const one = target.name === undefined ? {} : { fieldSelector: `metadata.name=${target.name}` };
  const collection = target.name === undefined ? path : path.slice(0, path.lastIndexOf("/"));
  const query = queryOf(given, target, {
    watch: "true",
    ...one,
    ...(from === undefined ? {} : { resourceVersion: from }),
  });
  const stream = await kubectl.api.stream({
    method: "GET",
    path: collection + query,
    accept: tableAccept,
  });
  let columns: Table["columnDefinitions"] = [];
  for await (const event of jsonLines(stream)) {
    const { type, object } = event as { type: string; object: Table };
    if (type === "BOOKMARK" || object.kind !== "Table") continue;
    // Only the first event of a watch carries the column definitions.
    if ((object.columnDefinitions ?? []).length > 0) columns = object.columnDefinitions;
    printTable(kubectl, { ...object, columnDefinitions: columns }, print);
  }
}

export const get = defineCommand({
  name: "get",
  summary: "Display one or many resources",
  usage: "get TYPE[,TYPE...] [NAME ...] | TYPE/NAME ... [-o FORMAT] [-l SELECTOR] [-w] [-A]",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const asked = await targetsOf(kubectl, given, args);
    const isTable = given.output === undefined || given.output === "" || given.output === "wide";
    return isTable ? printTables(kubectl, asked, given) : printObjects(kubectl, asked, given);
  },
});
