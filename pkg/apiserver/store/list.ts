/** Lists: from the cache wherever it can know the answer, page by page, at one revision. */
import type { Entry } from "../cache/entry.ts";
import type { Selection } from "../cache/watch-group.ts";
import { limits } from "../limits.ts";
import { expired, tooLargeVersion } from "../refusals.ts";
import type { ListPage } from "../rendering/rendering.ts";
import { StorageError } from "../../storage/storage.ts";
import { type ContinueToken, decodeContinue, encodeContinue } from "./continue-token.ts";
import type { ListOptions } from "./list-options.ts";
import type { ResourceStore } from "./resource-store.ts";

/** What is held against the first page's revision. */
interface Found {
  readonly entries: readonly Entry[];
  readonly revision: number;
}

export async function listObjects(
  store: ResourceStore,
  selection: Selection,
  options: ListOptions,
  signal: AbortSignal,
): Promise<ListPage> {
  if (options.continueFrom !== "") {
    const token = decodeContinue(options.continueFrom);
    return pageAfter(store, selection, { token, limit: options.limit }, signal);
  }
  const found = await findFirst(store, selection, options, signal);
  return cutPage(store, selection, found, options.limit);
}

async function findFirst(
  store: ResourceStore,
  selection: Selection,
  { resourceVersion, match, limit }: ListOptions,
  signal: AbortSignal,
): Promise<Found> {
  const { feed } = store.parts;
  if (resourceVersion === undefined) return findNewest(store, selection, signal);
  if (resourceVersion > 0) await waitFor(store, resourceVersion);
  const isExact = match === "Exact" || (match === "" && limit > 0 && resourceVersion > 0);
  if (isExact && feed.revision !== resourceVersion) {
    return findAt(store, selection, resourceVersion, signal);
  }
  return { entries: store.cache.select(selection), revision: feed.revision };
}

/** A read that asks for a revision the server has not seen yet waits for it, within a bound. */
export async function waitFor({ parts: { feed } }: ResourceStore, revision: number): Promise<void> {
  if (await feed.reached(revision, limits.freshnessWaitMs)) return;
  throw tooLargeVersion(revision, feed.revision);
}

async function findNewest(
  store: ResourceStore,
  selection: Selection,
  signal: AbortSignal,
): Promise<Found> {
  const { feed } = store.parts;
  const newest = await feed.newestRevision();
  if (newest <= feed.revision || (await feed.reached(newest, limits.cacheLagMs))) {
    return { entries: store.cache.select(selection), revision: feed.revision };
  }
  return findAt(store, selection, newest, signal);
}

/** The past, or a present that the cache has not reached: read from storage. */
async function findAt(
  store: ResourceStore,
  selection: Selection,
  revision: number,
  signal: AbortSignal,
): Promise<Found> {
  const { storage } = store.parts;
  const entries: Entry[] = [];
  const prefix = prefixOf(store, selection);
  try {
    for (let after: string | undefined; ;) {
      const from = after === undefined ? {} : { after };
      const page = await storage.list(
        { prefix, revision, limit: limits.loadPageItems, ...from },
        signal,
      );
      for (const { key, value, revision: at } of page.items) {
        const entry = store.codec.entryOf(key, value, at);
        if (entry !== undefined && isChosen(selection, entry)) entries.push(entry);
      }
      if (page.remaining === 0) return { entries, revision };
      after = page.items.at(-1)?.key;
    }
  } catch (error) {
    if (!(error instanceof StorageError) || error.reason !== "Compacted") throw error;
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can " +
        "start a new list without the continue parameter.",
    );
  }
}

const prefixOf = ({ codec }: ResourceStore, { namespace }: Selection): string =>
  namespace === "" ? codec.prefix : `${codec.prefix}${namespace}/`;

const isChosen = ({ name, namespace, indexed, matches }: Selection, entry: Entry): boolean =>
  (namespace === "" || entry.namespace === namespace) &&
  (name === "" || entry.name === name) &&
  (indexed === undefined || entry.fields[indexed.field] === indexed.value) &&
  (matches === undefined || matches(entry));

/** Cuts the page and remembers the rest: the next page is of the same revision. */
function cutPage(
  store: ResourceStore,
  selection: Selection,
  { entries, revision }: Found,
  limit: number,
): ListPage {
  if (limit === 0 || entries.length <= limit) {
    return { entries, revision, continueFrom: "", remaining: undefined };
  }
  const page = entries.slice(0, limit);
  store.snapshots.keep(selection.id, revision, entries);
  const isWhole =
    selection.matches === undefined && selection.name === "" && selection.indexed === undefined;
  return {
    entries: page,
    revision,
    continueFrom: encodeContinue({
      revision,
      after: (page.at(-1)?.key ?? "").slice(store.codec.prefix.length),
    }),
    remaining: isWhole ? entries.length - limit : undefined,
  };
}

async function pageAfter(
  store: ResourceStore,
  selection: Selection,
  { token, limit }: { readonly token: ContinueToken; readonly limit: number },
  signal: AbortSignal,
): Promise<ListPage> {
  const after = `${store.codec.prefix}${token.after}`;
  const found = await foundAt(store, selection, token, signal);
  const rest = found.entries.slice(firstAfter(found.entries, after));
  return cutPage(store, selection, { entries: rest, revision: found.revision }, limit);
}

async function foundAt(
  store: ResourceStore,
  selection: Selection,
  token: ContinueToken,
  signal: AbortSignal,
): Promise<Found> {
  const { revision } = token;
  if (revision < 0) return findNewest(store, selection, signal);
  const kept = store.snapshots.get(selection.id, revision);
  if (kept !== undefined) return { entries: kept, revision };
  if (store.parts.feed.revision === revision) {
    return { entries: store.cache.select(selection), revision };
  }
  return findAt(store, selection, revision, signal);
}

function firstAfter(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.key ?? "") <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
