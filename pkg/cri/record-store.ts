import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** How records become bytes and back. */
export interface RecordCodec<T> {
  encode(record: T): Uint8Array;
  /** Throws on bytes that are no record. */
  decode(bytes: Uint8Array): T;
}

/**
 * Records on disk, one folder each: <folder>/<id>/record.json, replaced by rename. They are not
 * forced to the disk: a machine that loses power loses its containers with them.
 */
export class RecordStore<T extends { readonly id: string }> {
  readonly #folder: string;
  readonly #codec: RecordCodec<T>;
  readonly #records = new Map<string, T>();

  private constructor(folder: string, codec: RecordCodec<T>) {
    this.#folder = folder;
    this.#codec = codec;
  }

  /** A folder without a record was being made or removed when the process died: it goes. */
  static async open<T extends { readonly id: string }>(
    folder: string,
    codec: RecordCodec<T>,
  ): Promise<RecordStore<T>> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = new RecordStore(folder, codec);
    for (const id of await readdir(folder)) {
      const bytes = await readFile(join(folder, id, "record.json")).catch(() => undefined);
      if (bytes === undefined) await rm(join(folder, id), { recursive: true, force: true });
      else store.#records.set(id, store.#decode(id, bytes));
    }
    return store;
  }

  /** The record's own folder, for files that live as long as it. */
  folder(id: string): string {
    return join(this.#folder, id);
  }

  get(id: string): T | undefined {
    return this.#records.get(id);
  }

  /** By id, or by the beginning of one if only one begins so. */
  find(prefix: string): T | undefined {
    const exact = this.#records.get(prefix);
    if (exact !== undefined || prefix === "") return exact;
    const matches = [...this.#records.values()].filter(({ id }) => id.startsWith(prefix));
    return matches.length === 1 ? matches[0] : undefined;
  }

  list(): readonly T[] {
    return [...this.#records.values()];
  }

  /** Visible in memory once it is on disk. */
  async put(record: T): Promise<void> {
    const folder = this.folder(record.id);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await writeFile(join(folder, "record.json.new"), this.#codec.encode(record), { mode: 0o600 });
    await rename(join(folder, "record.json.new"), join(folder, "record.json"));
    this.#records.set(record.id, record);
  }

  /** The record goes first: a folder without one is removed at the next start. */
  async remove(id: string): Promise<void> {
    await rm(join(this.folder(id), "record.json"), { force: true });
    this.#records.delete(id);
    await rm(this.folder(id), { recursive: true, force: true });
  }

  #decode(id: string, bytes: Uint8Array): T {
    try {
      return this.#codec.decode(bytes);
    } catch (cause) {
      throw new Error(`read record ${this.folder(id)}`, { cause });
    }
  }
}
