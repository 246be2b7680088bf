/**
 * One kind's objects by the values of the labels that lists ask for: a list of twenty among ten
 * thousand looks at twenty. A label is indexed when it is first asked for, and the newest few are
 * kept up to date; what nobody asks for costs nothing.
 */
import type { Labels } from "./entry.ts";
import { limits } from "../limits.ts";
import type { Slot } from "./sorted-slots.ts";

/** The label has one of the values. */
export interface LabelEquality {
  readonly key: string;
  readonly values: readonly string[];
}

type Slots = ReadonlySet<Slot>;

export class LabelIndex {
  /** Label → value → slots; the label asked for last comes last. */
  readonly #labels = new Map<string, Map<string, Set<Slot>>>();

  /**
   * Slots among which are all that satisfy the equalities: those of the rarest of them. `all` is
   * read when a label was not asked for before.
   */
  candidates(equalities: readonly LabelEquality[], all: () => Iterable<Slot>): readonly Slots[] {
    let rarest: readonly Slots[] | undefined;
    for (const { key, values } of equalities.slice(0, limits.indexedLabelsMax)) {
      const byValue = this.#asked(key) ?? this.#build(key, all());
      const sets = values.flatMap((value) => byValue.get(value) ?? []);
      if (rarest === undefined || sizeOf(sets) < sizeOf(rarest)) rarest = sets;
    }
    return rarest ?? [];
  }

  /** The slot's object has changed, come or gone. */
  move(slot: Slot, before: Labels | undefined, now: Labels | undefined): void {
    for (const [key, byValue] of this.#labels) {
      const old = before?.[key];
      const next = now?.[key];
      if (old === next) continue;
      if (old !== undefined) drop(byValue, old, slot);
      if (next !== undefined) put(byValue, next, slot);
    }
  }

  clear(): void {
    this.#labels.clear();
  }

  #asked(key: string): Map<string, Set<Slot>> | undefined {
    const byValue = this.#labels.get(key);
    if (byValue === undefined) return undefined;
    this.#labels.delete(key);
    this.#labels.set(key, byValue);
    return byValue;
  }

  #build(key: string, all: Iterable<Slot>): Map<string, Set<Slot>> {
    for (const oldest of this.#labels.keys()) {
      if (this.#labels.size < limits.indexedLabelsMax) break;
      this.#labels.delete(oldest);
    }
    const byValue = new Map<string, Set<Slot>>();
    for (const slot of all) {
      const value = slot.entry?.labels[key];
      if (value !== undefined) put(byValue, value, slot);
    }
    this.#labels.set(key, byValue);
    return byValue;
  }
}

const sizeOf = (sets: readonly Slots[]): number => sets.reduce((sum, { size }) => sum + size, 0);

function put(byValue: Map<string, Set<Slot>>, value: string, slot: Slot): void {
  const slots = byValue.get(value);
  if (slots === undefined) byValue.set(value, new Set([slot]));
  else slots.add(slot);
}

function drop(byValue: Map<string, Set<Slot>>, value: string, slot: Slot): void {
  const slots = byValue.get(value);
  slots?.delete(slot);
  if (slots?.size === 0) byValue.delete(value);
}
