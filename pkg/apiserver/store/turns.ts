/**
 * Writers of one object, one after another within this server: they would only make each other
 * begin again. Each hands on what it wrote, which the cache may not have seen yet.
 */
import type { Entry } from "../cache/entry.ts";

interface Turn {
  readonly done: Promise<Entry | undefined>;
}

export class Turns {
  readonly #last = new Map<string, Turn>();

  /** Runs `write` when all earlier writers of the key are done; gives it what the last one left. */
  async take<T extends { readonly entry: Entry }>(
    key: string,
    write: (before: Entry | undefined) => Promise<T>,
  ): Promise<T> {
    const earlier = this.#last.get(key);
    const { promise: done, resolve } = Promise.withResolvers<Entry | undefined>();
    const turn: Turn = { done };
    this.#last.set(key, turn);
    let left: Entry | undefined;
    try {
      left = earlier === undefined ? undefined : await earlier.done;
      const result = await write(left);
      left = result.entry;
      return result;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
      resolve(left);
    }
  }
}
