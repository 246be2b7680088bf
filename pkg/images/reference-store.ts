import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "./atomic-file.ts";
import { parseDigest, type Digest } from "./digest.ts";

/** A name, and the image that it stands for on this machine. */
export interface ReferenceRecord {
  /** Canonical: docker.io/library/nginx:latest, or with @sha256:… */
  readonly name: string;
  /** What a registry calls the image: digest of the index, or of the manifest. */
  readonly target: Digest;
  /** The manifest for this machine's platform. */
  readonly manifest: Digest;
  /** The image's own configuration; its digest is the image's id. */
  readonly config: Digest;
  readonly createdAtMs: number;
}

/** References on disk, one file each, named by the hash of the name; all of them in memory. */
export class ReferenceStore {
  readonly #folder: string;
  readonly #records = new Map<string, ReferenceRecord>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** A file that cannot be read is an error: silently losing an image's name loses the image. */
  static async open(folder: string): Promise<ReferenceStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = new ReferenceStore(folder);
    for (const file of await readdir(folder)) {
      if (!file.endsWith(".json")) continue;
      const record = parseRecord(await readFile(join(folder, file), "utf8"), file);
      store.#records.set(record.name, record);
    }
    return store;
  }

  get(name: string): ReferenceRecord | undefined {
    return this.#records.get(name);
  }

  list(): readonly ReferenceRecord[] {
    return [...this.#records.values()];
  }

  async put(record: ReferenceRecord): Promise<void> {
    const content = Buffer.from(JSON.stringify(record));
    await writeFileAtomically(this.#path(record.name), content);
    this.#records.set(record.name, record);
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
    this.#records.delete(name);
  }

  #path(name: string): string {
    return join(this.#folder, `${createHash("sha256").update(name).digest("hex")}.json`);
  }
}

function parseRecord(text: string, file: string): ReferenceRecord {
  try {
    const json = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return {
      name: String(json["name"]),
      target: parseDigest(String(json["target"])),
      manifest: parseDigest(String(json["manifest"])),
      config: parseDigest(String(json["config"])),
      createdAtMs: Number(json["createdAtMs"]),
    };
  } catch (cause) {
    throw new Error(`read image reference ${file}`, { cause });
  }
}
