/**
 * All watch groups of one kind, filed by what they ask for: an event of a pod on one node meets the
 * watchers of that node, of its namespace, of its name and of everything, not those of other nodes.
 */
import type { CacheEvent } from "./event-ring.ts";
import type { Selection, WatchGroup } from "./watch-group.ts";
import type { Entry } from "./entry.ts";

/** Where a group is filed: the narrowest thing that its selection names. */
function placeOf({ namespace, name, indexed }: Selection): string {
  if (name !== "") return namespace === "" ? `name ${name}` : `object ${namespace}/${name}`;
  if (indexed !== undefined) return `field ${indexed.field} ${indexed.value}`;
  return namespace === "" ? "all" : `namespace ${namespace}`;
}

export class GroupIndex {
  readonly #groups = new Map<string, WatchGroup>();
  readonly #places = new Map<string, Set<WatchGroup>>();
  readonly #touched = new Set<WatchGroup>();
  /** Events offered since the last flush: their frames are not needed after it. */
  #turn: CacheEvent[] = [];
  readonly #indexedFields: readonly number[];

  constructor(indexedFields: readonly number[]) {
    this.#indexedFields = indexedFields;
  }

  get(id: string): WatchGroup | undefined {
    return this.#groups.get(id);
  }

  all(): Iterable<WatchGroup> {
    return this.#groups.values();
  }

  add(id: string, group: WatchGroup): void {
    const place = placeOf(group.selection);
    this.#groups.set(id, group);
    const filed = this.#places.get(place);
    if (filed === undefined) this.#places.set(place, new Set([group]));
    else filed.add(group);
  }

  remove(id: string, group: WatchGroup): void {
    const place = placeOf(group.selection);
    this.#groups.delete(id);
    this.#touched.delete(group);
    const filed = this.#places.get(place);
    filed?.delete(group);
    if (filed?.size === 0) this.#places.delete(place);
  }

  offer(event: CacheEvent): void {
    if (this.#groups.size === 0) return;
    const { entry, previous } = event;
    this.#turn.push(event);
    this.#offerAt("all", event);
    if (entry.namespace !== "") {
      this.#offerAt(`namespace ${entry.namespace}`, event);
      this.#offerAt(`object ${entry.namespace}/${entry.name}`, event);
    }
    this.#offerAt(`name ${entry.name}`, event);
    for (const field of this.#indexedFields) this.#offerField(field, entry, previous, event);
  }

  #offerField(field: number, entry: Entry, previous: Entry | undefined, event: CacheEvent): void {
    const now = entry.fields[field] ?? "";
    this.#offerAt(`field ${field} ${now}`, event);
    const before = previous?.fields[field];
    if (before !== undefined && before !== now) this.#offerAt(`field ${field} ${before}`, event);
  }

  #offerAt(place: string, event: CacheEvent): void {
    const filed = this.#places.get(place);
    if (filed === undefined) return;
    for (const group of filed) {
      group.offer(event);
      this.#touched.add(group);
    }
  }

  flush(): void {
    if (this.#turn.length === 0) return;
    for (const group of this.#touched) group.flush();
    this.#touched.clear();
    for (const event of this.#turn) event.frames = undefined;
    this.#turn = [];
  }
}
