/** Lists that clients are paging through, as they were: pointers to entries, the newest few. */
import type { Entry } from "../cache/entry.ts";
import { limits } from "../limits.ts";

export class Snapshots {
  readonly #kept = new Map<string, readonly Entry[]>();

  keep(selectionId: string, revision: number, entries: readonly Entry[]): void {
    const key = `${revision} ${selectionId}`;
    if (this.#kept.has(key)) return;
    this.#dropOldest();
    this.#kept.set(key, entries);
  }

  get(selectionId: string, revision: number): readonly Entry[] | undefined {
    return this.#kept.get(`${revision} ${selectionId}`);
  }

  #dropOldest(): void {
    if (this.#kept.size < limits.snapshotsMax) return;
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest);
      return;
    }
  }
}
