/**
 * Watchers that want the same: one selection, one encoding. An event is judged and encoded once for
 * all of them, and what happened in one turn reaches each as one piece.
 */
import { atRevision, type Entry, type Layout } from "./entry.ts";
import type { CacheEvent, ChangeType } from "./event-ring.ts";
import type { LabelEquality } from "./label-index.ts";
import type { Watcher } from "./watcher.ts";

/** How a watch's events are written: JSON lines, protobuf frames, tables. */
export interface WatchRendering {
  /** Names the encoding: frames are kept by it. */
  readonly id: string;
  frame(type: ChangeType, entry: Entry): Uint8Array;
  bookmark(revision: number, initialEventsEnd: boolean): Uint8Array;
}

export interface Selection {
  /** Selections with the same id and place choose the same. */
  readonly id: string;
  /** "": all namespaces. */
  readonly namespace: string;
  /** "": all names. */
  readonly name: string;
  /** An equality on one of the kind's indexed fields. */
  readonly indexed: { readonly field: number; readonly value: string } | undefined;
  /** What `matches` asks of labels by equality: where the objects are to be found. */
  readonly labels: readonly LabelEquality[];
  /** What the place does not decide; undefined: everything there is chosen. */
  readonly matches: ((entry: Entry) => boolean) | undefined;
}

const isIn = (selection: Selection, entry: Entry): boolean =>
  (selection.namespace === "" || selection.namespace === entry.namespace) &&
  (selection.name === "" || selection.name === entry.name) &&
  (selection.indexed === undefined ||
    entry.fields[selection.indexed.field] === selection.indexed.value) &&
  (selection.matches === undefined || selection.matches(entry));

/** What an event is to those who see only a selection: an object may enter it or leave it. */
export function changeWithin(selection: Selection, event: CacheEvent): ChangeType | undefined {
  const is = event.type !== "DELETED" && isIn(selection, event.entry);
  const was = event.previous !== undefined && isIn(selection, event.previous);
  if (is) return was ? "MODIFIED" : "ADDED";
  return was ? "DELETED" : undefined;
}

/** An event's bytes in one encoding, made when first asked for. */
export function frameOf(
  event: CacheEvent,
  type: ChangeType,
  rendering: WatchRendering,
  layout: Layout,
): Uint8Array {
  const key = `${rendering.id} ${type}`;
  const ready = event.frames?.get(key);
  if (ready !== undefined) return ready;
  let entry = event.entry;
  if (type === "DELETED" && event.type !== "DELETED" && event.previous !== undefined) {
    event.left ??= atRevision(event.previous, layout, event.revision);
    entry = event.left;
  }
  const frame = rendering.frame(type, entry);
  (event.frames ??= new Map()).set(key, frame);
  return frame;
}

export class WatchGroup {
  readonly selection: Selection;
  readonly watchers = new Set<Watcher>();
  readonly rendering: WatchRendering;
  readonly #layout: Layout;
  /** Events up to this revision are not for these watchers: they asked to start in the future. */
  readonly #after: number;
  #pending: Uint8Array[] = [];

  constructor(selection: Selection, rendering: WatchRendering, layout: Layout, after: number) {
    this.selection = selection;
    this.rendering = rendering;
    this.#layout = layout;
    this.#after = after;
  }

  offer(event: CacheEvent): void {
    if (event.revision <= this.#after) return;
    const type = changeWithin(this.selection, event);
    if (type === undefined) return;
    this.#pending.push(frameOf(event, type, this.rendering, this.#layout));
  }

  /** Hands over what was offered since the last time. */
  flush(): void {
    const pending = this.#pending;
    const first = pending[0];
    if (first === undefined) return;
    this.#pending = [];
    const piece = pending.length === 1 ? first : Buffer.concat(pending);
    for (const watcher of this.watchers) watcher.push(piece, pending.length);
  }

  bookmark(revision: number): void {
    const frame = this.rendering.bookmark(revision, false);
    for (const watcher of this.watchers) if (watcher.allowsBookmarks) watcher.push(frame, 1);
  }
}
