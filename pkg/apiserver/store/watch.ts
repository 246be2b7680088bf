/** Watches: where one begins, what it begins with, and when it ends by itself. */
import { Watcher } from "../cache/watcher.ts";
import type { Selection } from "../cache/watch-group.ts";
import { limits } from "../limits.ts";
import { expired } from "../refusals.ts";
import type { Rendering } from "../rendering/rendering.ts";
import { waitFor } from "./list.ts";
import type { WatchOptions } from "./list-options.ts";
import type { ResourceStore } from "./resource-store.ts";

export interface WatchRequest {
  readonly options: WatchOptions;
  readonly rendering: Rendering;
  readonly signal: AbortSignal;
}

/**
 * The stream of events. It ends with the signal, after its timeout, when the reader is too slow,
 * when the server has lost track of storage, and with an ERROR event for a forgotten revision.
 */
export async function watchObjects(
  store: ResourceStore,
  selection: Selection,
  { options, rendering, signal }: WatchRequest,
): Promise<Watcher> {
  const { feed, clock, random } = store.parts;
  const { resourceVersion = -1 } = options;
  const beginsWithState = options.sendsInitialEvents ?? resourceVersion <= 0;
  if (beginsWithState) await waitForState(store, options);
  const now = feed.revision;
  const after = beginsWithState || resourceVersion <= 0 ? now : resourceVersion;
  const initial = beginsWithState ? initialFrames(store, selection, options, rendering) : [];
  const { allowsBookmarks } = options;
  const watcher = store.cache.watch({ selection, rendering, allowsBookmarks, after, initial }, now);
  if (watcher === undefined) return expiredWatch(store, after, rendering);
  const ms =
    options.timeoutSeconds === undefined
      ? limits.watchMinMs * (1 + random.fraction())
      : options.timeoutSeconds * 1000;
  const timer = clock.after(ms, () => watcher.end());
  const end = (): void => watcher.end();
  signal.addEventListener("abort", end, { once: true });
  watcher.onEnd(() => {
    timer[Symbol.dispose]();
    signal.removeEventListener("abort", end);
  });
  if (signal.aborted) watcher.end();
  return watcher;
}

/** A stream whose only event says that the client must list again, as upstream tells it. */
function expiredWatch({ cache }: ResourceStore, after: number, { failure }: Rendering): Watcher {
  const watcher = new Watcher(false);
  watcher.begin([failure(expired(`too old resource version: ${after} (${cache.floor})`))]);
  watcher.end();
  return watcher;
}

/** Absent: as new as storage; 0: what there is; else at least so new. */
async function waitForState(store: ResourceStore, options: WatchOptions): Promise<void> {
  const { feed } = store.parts;
  const { resourceVersion } = options;
  if (resourceVersion === 0) return;
  await waitFor(store, resourceVersion ?? (await feed.newestRevision()));
}

/** The state as it is now; encoded later, as the client takes it. */
function initialFrames(
  store: ResourceStore,
  selection: Selection,
  { sendsInitialEvents, allowsBookmarks }: WatchOptions,
  rendering: Rendering,
): Iterable<Uint8Array> {
  const entries = store.cache.select(selection);
  const { revision } = store.parts.feed;
  return (function* frames() {
    for (const entry of entries) yield rendering.frame("ADDED", entry);
    if (sendsInitialEvents === true && allowsBookmarks) yield rendering.bookmark(revision, true);
  })();
}
