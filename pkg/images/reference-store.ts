import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { writeFileAtomically } from "../files/atomic-file.ts";
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

/** A folder's time may not tell changes within one tick of the kernel's clock apart. */
const tickMs = 20;

/**
 * References on disk, one file each, named by the hash of the name. They are kept in memory, and
 * read anew when the folder has changed: tools may import images beside a running daemon.
 */
export class ReferenceStore {
  readonly #folder: string;
  readonly #clock: Clock;
  #records = new Map<string, ReferenceRecord>();
  /** Of the folder, when it was read last; undefined: must be read. */
  #readAt: { readonly changedMs: number; readonly nowMs: number } | undefined;

  private constructor(folder: string, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** A file that cannot be read is an error: silently losing an image's name loses the image. */
  static async open(folder: string, clock: Clock): Promise<ReferenceStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = new ReferenceStore(folder, clock);
    store.#refresh();
    return store;
  }

  get(name: string): ReferenceRecord | undefined {
    this.#refresh();
    return this.#records.get(name);
  }

  list(): readonly ReferenceRecord[] {
    this.#refresh();
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

  #refresh(): void {
    const { mtimeMs } = statSync(this.#folder);
    const last = this.#readAt;
    const isSame = last?.changedMs === mtimeMs && last.nowMs - mtimeMs > tickMs;
    if (isSame) return;
    this.#readAt = { changedMs: mtimeMs, nowMs: this.#clock.now() };
    const files = readdirSync(this.#folder).filter((file) => file.endsWith(".json"));
    const records = files.flatMap((file) => {
      const text = readIfThere(join(this.#folder, file));
      return text === undefined ? [] : [parseRecord(text, file)];
    });
    this.#records = new Map(records.map((record) => [record.name, record]));
  }

  #path(name: string): string {
    return join(this.#folder, `${createHash("sha256").update(name).digest("hex")}.json`);
  }
}

/** Another process may remove it between listing and reading. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
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
