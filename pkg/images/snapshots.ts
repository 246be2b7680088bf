import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDigest, type Digest } from "./digest.ts";

/** Folders of one container's overlay. */
export interface Snapshot {
  readonly upper: string;
  readonly work: string;
}

/**
 * A container's own writable layer: snapshots/<container id>/{upper,work}. The record beside it
 * names the image's layers, which must outlive the image's last name while the container is there.
 */
export class Snapshots {
  readonly #folder: string;
  readonly #layers = new Map<string, readonly Digest[]>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Snapshots> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const snapshots = new Snapshots(folder);
    for (const [id, layers] of await snapshots.#read()) snapshots.#layers.set(id, layers);
    return snapshots;
  }

  /** Removes what was made or removed half when a process died; nobody may be at it. */
  async clean(): Promise<void> {
    const whole = await this.#read();
    for (const name of await readdir(this.#folder)) {
      // No container was ever told of such a one.
      if (!whole.has(name)) await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /** Idempotent. `id` must be hex digits: it becomes a file name. */
  async prepare(id: string, diffIds: readonly Digest[]): Promise<Snapshot> {
    if (!/^[0-9a-f]{8,64}$/.test(id)) throw new Error(`bad snapshot id ${JSON.stringify(id)}`);
    const snapshot = this.paths(id);
    await mkdir(snapshot.upper, { recursive: true, mode: 0o755 });
    await mkdir(snapshot.work, { recursive: true, mode: 0o700 });
    const record = join(this.#folder, id, "layers.json");
    // Not forced to the disk: a machine that loses power loses its containers with it.
    await writeFile(`${record}.new`, JSON.stringify(diffIds), { mode: 0o600 });
    await rename(`${record}.new`, record);
    this.#layers.set(id, diffIds);
    return snapshot;
  }

  paths(id: string): Snapshot {
    return { upper: join(this.#folder, id, "upper"), work: join(this.#folder, id, "work") };
  }

  list(): readonly string[] {
    return [...this.#layers.keys()];
  }

  /**
   * Diff ids below a container's own layer, lowest first. Throws when there is no such snapshot.
   */
  layersOf(id: string): readonly Digest[] {
    const layers = this.#layers.get(id);
    if (layers === undefined) throw new Error(`no snapshot ${id}`);
    return layers;
  }

  /** Diff ids of all layers in use, also by containers of another process. */
  async usedLayers(): Promise<readonly Digest[]> {
    return [...(await this.#read()).values()].flat();
  }

  /** Succeeds when there is none. */
  async remove(id: string): Promise<void> {
    const folder = join(this.#folder, id);
    const doomed = `${folder}.doomed`;
    await rename(folder, doomed).catch(ignoreMissing);
    await rm(doomed, { recursive: true, force: true });
    this.#layers.delete(id);
  }

  /** Whole snapshots as they are on disk. */
  async #read(): Promise<ReadonlyMap<string, readonly Digest[]>> {
    const found = new Map<string, readonly Digest[]>();
    for (const id of await readdir(this.#folder)) {
      const file = join(this.#folder, id, "layers.json");
      const record = await readFile(file, "utf8").catch(() => undefined);
      const layers: unknown = record === undefined ? undefined : JSON.parse(record);
      if (id.endsWith(".doomed") || !Array.isArray(layers)) continue;
      found.set(id, layers.map(String).filter(isDigest));
    }
    return found;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
