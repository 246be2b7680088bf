import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "./atomic-file.ts";
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
    for (const id of await readdir(folder)) await snapshots.#load(id);
    return snapshots;
  }

  /** Idempotent. `id` must be hex digits: it becomes a file name. */
  async prepare(id: string, diffIds: readonly Digest[]): Promise<Snapshot> {
    if (!/^[0-9a-f]{8,64}$/.test(id)) throw new Error(`bad snapshot id ${JSON.stringify(id)}`);
    const snapshot = this.paths(id);
    await mkdir(snapshot.upper, { recursive: true, mode: 0o755 });
    await mkdir(snapshot.work, { recursive: true, mode: 0o700 });
    const record = join(this.#folder, id, "layers.json");
    await writeFileAtomically(record, Buffer.from(JSON.stringify(diffIds)));
    this.#layers.set(id, diffIds);
    return snapshot;
  }

  paths(id: string): Snapshot {
    return { upper: join(this.#folder, id, "upper"), work: join(this.#folder, id, "work") };
  }

  list(): readonly string[] {
    return [...this.#layers.keys()];
  }

  /** Diff ids below a container's own layer, lowest first. Throws when there is no such snapshot. */
  layersOf(id: string): readonly Digest[] {
    const layers = this.#layers.get(id);
    if (layers === undefined) throw new Error(`no snapshot ${id}`);
    return layers;
  }

  /** Diff ids of all layers in use. */
  usedLayers(): readonly Digest[] {
    return [...this.#layers.values()].flat();
  }

  /** Succeeds when there is none. */
  async remove(id: string): Promise<void> {
    const folder = join(this.#folder, id);
    const doomed = `${folder}.doomed`;
    await rename(folder, doomed).catch(ignoreMissing);
    await rm(doomed, { recursive: true, force: true });
    this.#layers.delete(id);
  }

  async #load(id: string): Promise<void> {
    const folder = join(this.#folder, id);
    const record = await readFile(join(folder, "layers.json"), "utf8").catch(() => undefined);
    const layers: unknown = record === undefined ? undefined : JSON.parse(record);
    if (id.endsWith(".doomed") || !Array.isArray(layers)) {
      // Made or removed half when the process died: no container was ever told of it.
      await rm(folder, { recursive: true, force: true });
      return;
    }
    this.#layers.set(id, layers.map(String).filter(isDigest));
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}
