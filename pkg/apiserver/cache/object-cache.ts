/**
 * The watch cache of one kind: every object's ready bytes, the last events, and who watches. It is
 * fed by `StorageFeed` in revision order and never asks storage anything itself.
 */
import type { KubeObject } from "../../../api/resource.ts";
import type { StorageEvent, Versioned } from "../../storage/storage.ts";
import { limits } from "../limits.ts";
import { atRevision, type Entry } from "./entry.ts";
import { type EntryCodec, sameBytes, type Prepared } from "./entry-codec.ts";
import { type CacheEvent, EventRing } from "./event-ring.ts";
import { GroupIndex } from "./group-index.ts";
import { LabelIndex } from "./label-index.ts";
import { type Slot, SortedSlots } from "./sorted-slots.ts";
import { type Selection, WatchGroup, type WatchRendering, frameOf } from "./watch-group.ts";
import { changeWithin } from "./watch-group.ts";
import { Watcher } from "./watcher.ts";

const ringLimits = { eventsMax: limits.ringEventsMax, bytesMax: limits.ringBytesMax };

const inKeyOrder = (a: string, b: string): number => (`${a}/` < `${b}/` ? -1 : 1);

export interface WatchStart {
  readonly selection: Selection;
  readonly rendering: WatchRendering;
  readonly allowsBookmarks: boolean;
  /** Only later events are sent. */
  readonly after: number;
  /** What the watch begins with, encoded one by one as it is sent. */
  readonly initial: Iterable<Uint8Array>;
}

export class ObjectCache {
  readonly codec: EntryCodec;
  readonly #slots = new Map<string, Slot>();
  readonly #namespaces = new Map<string, SortedSlots>();
  /** Field position → value → slots. */
  readonly #fields: ReadonlyMap<number, Map<string, Set<Slot>>>;
  readonly #labels = new LabelIndex();
  /** Written by this server and not yet seen in the feed: need not be decoded again. */
  readonly #written = new Map<string, Prepared>();
  readonly #decoded: Entry[] = [];
  #oldestDecoded = 0;
  #ring = new EventRing(0, ringLimits);
  /** The revision of the last reset. */
  #loadedAt = 0;
  #groups: GroupIndex;
  #changes = 0;

  constructor(codec: EntryCodec) {
    this.codec = codec;
    this.#fields = new Map(codec.indexedFields.map((field) => [field, new Map()]));
    this.#groups = new GroupIndex(codec.indexedFields);
  }

  get size(): number {
    return this.#slots.size;
  }
  /** Counts changes since the start: what was computed from the cache is valid while it stays. */
  get changes(): number {
    return this.#changes;
  }
  /** The oldest revision a watch can start from. */
  get floor(): number {
    return this.#ring.floor;
  }

  get(key: string): Entry | undefined {
    return this.#slots.get(key)?.entry;
  }

  /** Decoded; kept for a while. Shared: never to be changed. */
  objectOf(entry: Entry): KubeObject {
    if (entry.object !== undefined) return entry.object;
    const object = JSON.parse(entry.json.toString()) as KubeObject;
    this.#keepDecoded(entry, object);
    return object;
  }

  #keepDecoded(entry: Entry, object: KubeObject): void {
    entry.object = object;
    const dropped = this.#decoded[this.#oldestDecoded];
    if (dropped !== undefined) dropped.object = undefined;
    this.#decoded[this.#oldestDecoded] = entry;
    this.#oldestDecoded = (this.#oldestDecoded + 1) % limits.decodedObjectsMax;
  }

  /** In key order. The narrowest index that the selection allows is walked. */
  select(selection: Selection): Entry[] {
    const { namespace, name, indexed, matches } = selection;
    if (name !== "" && (namespace !== "" || !this.codec.isNamespaced)) {
      const one = this.get(this.codec.keyOf(namespace, name));
      return one === undefined ? [] : filtered([one], selection);
    }
    if (indexed !== undefined) return filtered(this.#withField(indexed), selection);
    const labelled = this.#withLabels(selection);
    if (labelled !== undefined) return labelled;
    const found = this.#inPlace(namespace);
    return name === "" && matches === undefined ? found : filtered(found, selection);
  }

  /** Undefined: the labels say less about where the objects are than the namespace does. */
  #withLabels(selection: Selection): Entry[] | undefined {
    const { labels, namespace } = selection;
    const inPlace = this.#countIn(namespace);
    if (labels.length === 0 || inPlace < limits.indexedObjectsMin) return undefined;
    const sets = this.#labels.candidates(labels, () => this.#slots.values());
    if (sets.reduce((sum, { size }) => sum + size, 0) > inPlace) return undefined;
    const found: Entry[] = [];
    for (const set of sets)
      for (const { entry } of set)
        if (entry !== undefined && isChosen(selection, entry)) found.push(entry);
    return found.sort(byKey);
  }

  #countIn(namespace: string): number {
    return namespace === "" ? this.#slots.size : (this.#namespaces.get(namespace)?.size ?? 0);
  }

  #inPlace(namespace: string): Entry[] {
    const found: Entry[] = [];
    if (namespace !== "") this.#namespaces.get(namespace)?.collect(found);
    else {
      const names = [...this.#namespaces.keys()].sort(inKeyOrder);
      for (const one of names) this.#namespaces.get(one)?.collect(found);
    }
    return found;
  }

  #withField({ field, value }: { readonly field: number; readonly value: string }): Entry[] {
    const slots = this.#fields.get(field)?.get(value);
    if (slots === undefined) return [];
    const found: Entry[] = [];
    for (const { entry } of slots) if (entry !== undefined) found.push(entry);
    return found.sort(byKey);
  }

  /** Forgets everything and ends all watches: what happened in between is not known. */
  reset(items: readonly Versioned[], revision: number): void {
    for (const group of this.#groups.all()) for (const watcher of group.watchers) watcher.end();
    this.#groups = new GroupIndex(this.codec.indexedFields);
    this.#slots.clear();
    this.#namespaces.clear();
    for (const values of this.#fields.values()) values.clear();
    this.#labels.clear();
    this.#written.clear();
    this.#ring = new EventRing(revision, ringLimits);
    this.#loadedAt = revision;
    for (const { key, value, revision: at } of items) {
      const entry = this.codec.entryOf(key, value, at);
      if (entry !== undefined) this.#put(entry);
    }
    this.#changes++;
  }

  /** To be called before the write, so that its event, whenever it comes, finds the object. */
  expectWrite(prepared: Prepared): void {
    this.#written.set(prepared.key, prepared);
  }

  forgetWrite(prepared: Prepared): void {
    if (this.#written.get(prepared.key) === prepared) this.#written.delete(prepared.key);
  }

  /** Takes the next event of this kind; watchers get it with the next `flush`. */
  apply(event: StorageEvent): void {
    // Not the ring's floor: that moves, and what expires together has one revision.
    if (event.revision <= this.#loadedAt) return;
    const previous = this.get(event.key);
    const change =
      event.type === "put" ? this.#applyPut(event, previous) : this.#applyDelete(event, previous);
    if (change === undefined) return;
    this.#changes++;
    this.#ring.push(change);
    this.#groups.offer(change);
  }

  #applyPut(
    event: Extract<StorageEvent, { type: "put" }>,
    previous: Entry | undefined,
  ): CacheEvent | undefined {
    const entry = this.#entryOf(event);
    if (entry === undefined) return undefined;
    this.#put(entry);
    return {
      type: previous === undefined ? "ADDED" : "MODIFIED",
      revision: event.revision,
      entry,
      previous,
      left: undefined,
      frames: undefined,
    };
  }

  #applyDelete(
    { key, revision }: StorageEvent,
    previous: Entry | undefined,
  ): CacheEvent | undefined {
    if (previous === undefined) return undefined;
    this.#remove(key, previous);
    return {
      type: "DELETED",
      revision,
      entry: atRevision(previous, this.codec.layout, revision),
      previous,
      left: undefined,
      frames: undefined,
    };
  }

  #entryOf({ key, value, revision }: Extract<StorageEvent, { type: "put" }>): Entry | undefined {
    const own = this.#written.get(key);
    if (own === undefined || !sameBytes(own.value, value)) {
      return this.codec.entryOf(key, value, revision);
    }
    this.#written.delete(key);
    return this.codec.entryOfPrepared(own, revision);
  }

  #put(entry: Entry): void {
    const slot = this.#slots.get(entry.key);
    if (slot === undefined) this.#add(entry);
    else {
      this.#reindex(slot, slot.entry, entry);
      slot.entry = entry;
    }
    if (entry.object !== undefined) this.#keepDecoded(entry, entry.object);
  }

  #add(entry: Entry): void {
    const slot: Slot = { key: entry.key, entry };
    this.#slots.set(entry.key, slot);
    let place = this.#namespaces.get(entry.namespace);
    if (place === undefined) this.#namespaces.set(entry.namespace, (place = new SortedSlots()));
    place.add(slot);
    this.#reindex(slot, undefined, entry);
  }

  #remove(key: string, entry: Entry): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#reindex(slot, entry, undefined);
    slot.entry = undefined;
    this.#slots.delete(key);
    const place = this.#namespaces.get(entry.namespace);
    place?.noteEmptied();
    if (place?.size === 0) this.#namespaces.delete(entry.namespace);
  }

  #reindex(slot: Slot, before: Entry | undefined, now: Entry | undefined): void {
    this.#labels.move(slot, before?.labels, now?.labels);
    for (const [field, values] of this.#fields) {
      const old = before?.fields[field];
      const next = now?.fields[field];
      if (old === next) continue;
      if (old !== undefined) dropFrom(values, old, slot);
      if (next === undefined) continue;
      const slots = values.get(next);
      if (slots === undefined) values.set(next, new Set([slot]));
      else slots.add(slot);
    }
  }

  flush(): void {
    this.#groups.flush();
  }

  bookmark(revision: number): void {
    for (const group of this.#groups.all()) group.bookmark(revision);
  }

  /** Undefined: events after `start.after` are forgotten; the client must list again. */
  watch(start: WatchStart, now: number): Watcher | undefined {
    const missed = this.#ring.since(start.after);
    if (missed === undefined) return undefined;
    const { selection, rendering } = start;
    const later = start.after > now ? start.after : 0;
    const id = `${rendering.id} ${selection.id} ${later}`;
    let group = this.#groups.get(id);
    if (group === undefined) {
      group = new WatchGroup(selection, rendering, this.codec.layout, later);
      this.#groups.add(id, group);
    }
    const own = group;
    const watcher = new Watcher(start.allowsBookmarks);
    watcher.onEnd(() => {
      own.watchers.delete(watcher);
      if (own.watchers.size === 0 && this.#groups.get(id) === own) this.#groups.remove(id, own);
    });
    own.watchers.add(watcher);
    watcher.begin(this.#firstFrames(start, missed));
    return watcher;
  }

  *#firstFrames(
    { initial, selection, rendering }: WatchStart,
    missed: readonly CacheEvent[],
  ): Generator<Uint8Array> {
    yield* initial;
    for (const event of missed) {
      const type = changeWithin(selection, event);
      if (type === undefined) continue;
      yield frameOf(event, type, rendering, this.codec.layout);
      // The event stays in the ring, and its bytes in this encoding would stay with it.
      event.frames = undefined;
    }
  }
}

function dropFrom(values: Map<string, Set<Slot>>, value: string, slot: Slot): void {
  const slots = values.get(value);
  slots?.delete(slot);
  if (slots?.size === 0) values.delete(value);
}

const byKey = (a: Entry, b: Entry): number => (a.key < b.key ? -1 : 1);

const isChosen = ({ namespace, name, matches }: Selection, entry: Entry): boolean =>
  (namespace === "" || entry.namespace === namespace) &&
  (name === "" || entry.name === name) &&
  (matches === undefined || matches(entry));

const filtered = (entries: readonly Entry[], selection: Selection): Entry[] =>
  entries.filter((entry) => isChosen(selection, entry));
