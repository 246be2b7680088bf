/**
 * Entries in the order of their keys, at the price of a push for each new one: the order is made
 * when a list asks for it. A slot stays while its object lives; updates only change what it holds.
 */
import type { Entry } from "./entry.ts";

export interface Slot {
  readonly key: string;
  /** Undefined: the object is gone, and the slot will be dropped. */
  entry: Entry | undefined;
}

const byKey = (a: Slot, b: Slot): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

export class SortedSlots {
  #sorted: Slot[] = [];
  #added: Slot[] = [];
  #emptied = 0;

  get size(): number {
    return this.#sorted.length + this.#added.length - this.#emptied;
  }

  add(slot: Slot): void {
    this.#added.push(slot);
  }

  /** To be called when the entry of one of the slots was cleared. */
  noteEmptied(): void {
    this.#emptied++;
  }

  collect(into: Entry[]): void {
    this.#settle();
    for (const { entry } of this.#sorted) if (entry !== undefined) into.push(entry);
  }

  #settle(): void {
    if (this.#added.length === 0 && this.#emptied === 0) return;
    const added = this.#added.filter(({ entry }) => entry !== undefined).sort(byKey);
    const kept =
      this.#emptied === 0 ? this.#sorted : this.#sorted.filter(({ entry }) => entry !== undefined);
    this.#sorted = added.length === 0 ? kept : merge(kept, added);
    this.#added = [];
    this.#emptied = 0;
  }
}

/** Both in order. Mostly the new ones are few, or all of them come after. */
function merge(old: Slot[], added: readonly Slot[]): Slot[] {
  const last = old.at(-1);
  const first = added[0];
  if (first === undefined) return old;
  if (last === undefined || last.key < first.key) return old.concat(added);
  const merged: Slot[] = [];
  let next = 0;
  for (const slot of old) {
    for (let one = added[next]; one !== undefined && one.key < slot.key; one = added[next]) {
      merged.push(one);
      next++;
    }
    merged.push(slot);
  }
  for (; next < added.length; next++) merged.push(added[next] as Slot);
  return merged;
}
