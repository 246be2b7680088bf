import { prefixEnd, compareKeys, rangeStart } from "./key-range.ts";
import { bytesIn, numberIn, type Row, type Statements, textIn } from "./sqlite-database.ts";
import type { ListPage, ListRequest, StorageEvent, Versioned } from "./storage.ts";

/** A row of key, revision and value. */
export const itemOf = (row: Row): Versioned => ({
  key: textIn(row, "key"),
  value: bytesIn(row, "value"),
  revision: numberIn(row, "revision") ?? 0,
});

export function readItem(run: Statements, key: string): Versioned | undefined {
  const row = run.get.get(key);
  return row === undefined ? undefined : itemOf(row);
}

/** SQLite's "no limit" is any negative number. */
const limitOf = ({ limit }: ListRequest): number => limit ?? -1;

export function listNow(run: Statements, request: ListRequest, revision: number): ListPage {
  const start = rangeStart(request.prefix, request.after);
  const end = prefixEnd(request.prefix);
  const items = run.page.all(start, end, limitOf(request)).map(itemOf);
  const last = items.at(-1);
  const isWhole = request.limit === undefined || items.length < request.limit;
  const remaining = isWhole ? 0 : countOf(run, last === undefined ? start : `${last.key}\0`, end);
  return { items, revision, remaining };
}

const countOf = (run: Statements, start: string, end: string): number =>
  numberIn(run.count.get(start, end), "count") ?? 0;

/**
 * The past is the present with what was touched since put back: most keys were not touched, and
 * for the others the oldest later entry says which revision they were at.
 */
export function listThen(run: Statements, request: ListRequest, revision: number): ListPage {
  const start = rangeStart(request.prefix, request.after);
  const end = prefixEnd(request.prefix);
  const touched = new Map<string, number>();
  for (const row of run.touched.all(revision, start, end))
    touched.set(textIn(row, "key"), numberIn(row, "previous") ?? 0);
  if (touched.size === 0) return listNow(run, request, revision);

  // So many more rows that a full page is left when every touched one among them is dropped.
  const enough = request.limit === undefined ? -1 : request.limit + touched.size;
  const pointers = run.keys
    .all(start, end, enough)
    .map((row) => [textIn(row, "key"), numberIn(row, "revision") ?? 0] as const)
    .filter(([key]) => !touched.has(key));
  for (const pointer of touched) if (pointer[1] > 0) pointers.push(pointer);
  pointers.sort(([a], [b]) => compareKeys(a, b));

  const page = pointers.slice(0, request.limit ?? pointers.length);
  const items = page.flatMap(([, at]) => run.entry.all(at).map(itemOf));
  return { items, revision, remaining: countThen(run, { start, end, touched }) - page.length };
}

/** How many keys of the range existed at the revision that `touched` leads back to. */
function countThen(
  run: Statements,
  range: { start: string; end: string; touched: ReadonlyMap<string, number> },
): number {
  let count = countOf(run, range.start, range.end);
  for (const [key, revision] of range.touched) {
    if (revision > 0) count++;
    if (countOf(run, key, `${key}\0`) > 0) count--;
  }
  return count;
}

export interface HistoryRequest {
  readonly prefix: string;
  /** Events after this revision … */
  readonly after: number;
  /** … and not after this one. */
  readonly until: number;
  readonly limit: number;
}

export const readEvents = (run: Statements, request: HistoryRequest): readonly StorageEvent[] =>
  run.history
    .all(request.after, request.until, request.prefix, prefixEnd(request.prefix), request.limit)
    .map(eventOf);

function eventOf(row: Row): StorageEvent {
  const { key, value, revision } = itemOf(row);
  if (row["deleted"] === 1) return { type: "delete", key, revision };
  return { type: "put", key, value, revision, created: numberIn(row, "previous") === 0 };
}
