/**
 * Blobs by digest: blobs/sha256/<hex>. A blob is verified while it is written and appears by
 * rename, so that what is there is whole. Knows nothing of images.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  type FileHandle,
} from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { syncFolder } from "../files/atomic-file.ts";
import { digestAlgorithm, digestHex, isDigest, type Digest } from "./digest.ts";

export interface BlobExpectation {
  readonly digest: Digest;
  /** Bytes, when known. */
  readonly size?: number;
}

/** The bytes were not those that were promised. */
export class ContentMismatch extends Error {
  override readonly name = "ContentMismatch";
}

const algorithms = ["sha256", "sha512"] as const;

export class ContentStore {
  readonly #root: string;
  readonly #random: Random;
  /** Blobs being written by this process: two pulls of one layer download it once. */
  readonly #writing = new Map<Digest, Promise<void>>();

  private constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
  }

  static async open(root: string, random: Random): Promise<ContentStore> {
    await mkdir(join(root, "ingest"), { recursive: true, mode: 0o700 });
    for (const algorithm of algorithms) {
      await mkdir(join(root, "blobs", algorithm), { recursive: true, mode: 0o700 });
    }
    return new ContentStore(root, random);
  }

  path(digest: Digest): string {
    return join(this.#root, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  /** Bytes of a blob; undefined when it is not there. */
  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.path(digest))).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** Reads a small blob whole. */
  async read(digest: Digest): Promise<Uint8Array> {
    return await readFile(this.path(digest)).catch((cause: unknown) => {
      throw new Error(`read blob ${digest}`, { cause });
    });
  }

  stream(digest: Digest): AsyncIterable<Uint8Array> {
    return createReadStream(this.path(digest), { highWaterMark: 512 * 1024 });
  }

  /**
   * Makes sure that a blob is there; `fill` is called only if it is not, and only once however many
   * ask at the same time. It appends to the ingest until the blob is complete.
   */
  async ensure(expected: BlobExpectation, fill: (ingest: Ingest) => Promise<void>): Promise<void> {
    const { digest } = expected;
    // Who came first may give up, which must not fail those who wait.
    for (let first = this.#writing.get(digest); first; first = this.#writing.get(digest)) {
      await first.catch(() => {});
    }
    // Asked without a pause, so that nobody else begins between the question and the beginning.
    if (existsSync(this.path(digest))) return;
    const writing = this.#write(expected, fill).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, writing);
    await writing;
  }

  /** A blob made here, whose digest is what it is. */
  async add(bytes: Uint8Array): Promise<{ readonly digest: Digest; readonly size: number }> {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
    await this.ensure({ digest }, async (ingest) => await ingest.append(bytes));
    return { digest, size: bytes.length };
  }

  /**
   * As `add`, from a stream. `known` tells the sha256 digest at its end, where somebody computes it
   * anyway of the same bytes.
   */
  async addStream(
    source: AsyncIterable<Uint8Array>,
    name: string,
    known?: () => Digest,
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    const algorithm = known === undefined ? "sha256" : undefined;
    await using ingest = await Ingest.open(join(this.#root, "ingest", name), algorithm);
    for await (const chunk of source) await ingest.append(chunk);
    const digest = known?.() ?? ingest.digest();
    await ingest.publish(this.path(digest));
    await syncFolder(join(this.#root, "blobs", "sha256"));
    return { digest, size: ingest.size };
  }

  /** Removes partial blobs of processes that died; nobody may be writing. */
  async clean(): Promise<void> {
    const folder = join(this.#root, "ingest");
    for (const name of await readdir(folder)) {
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  async list(): Promise<readonly Digest[]> {
    const found: Digest[] = [];
    for (const algorithm of algorithms) {
      for (const hex of await readdir(join(this.#root, "blobs", algorithm))) {
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) found.push(digest);
      }
    }
    return found;
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  async #write(
    { digest, size }: BlobExpectation,
    fill: (ingest: Ingest) => Promise<void>,
  ): Promise<void> {
    const algorithm = digestAlgorithm(digest);
    // Two processes may fetch the same blob: each writes its own copy, and the last one stays.
    const partial = join(this.#root, "ingest", `${digestHex(digest)}-${this.#random.suffix(8)}`);
    await using ingest = await Ingest.open(partial, algorithm, size);
    await fill(ingest);
    if (size !== undefined && ingest.size !== size) {
      throw new ContentMismatch(`blob ${digest} has ${ingest.size} bytes, not ${size}`);
    }
    const got = ingest.digest();
    if (got !== digest) throw new ContentMismatch(`blob ${digest} has the digest ${got}`);
    await ingest.publish(this.path(digest));
    await syncFolder(join(this.#root, "blobs", algorithm));
  }
}

const newHash = (algorithm: string | undefined): Hash | undefined =>
  algorithm === undefined ? undefined : createHash(algorithm);

/** A blob on its way in. */
export class Ingest implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #algorithm: string | undefined;
  readonly #bytesMax: number;
  #hash: Hash | undefined;
  #size = 0;

  private constructor(
    path: string,
    file: FileHandle,
    algorithm: string | undefined,
    bytesMax: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#algorithm = algorithm;
    this.#bytesMax = bytesMax;
    this.#hash = newHash(algorithm);
  }

  /** Without an algorithm nothing is computed, and there is no digest to ask for. */
  static async open(path: string, algorithm?: string, bytesMax = Infinity): Promise<Ingest> {
    return new Ingest(path, await open(path, "w", 0o600), algorithm, bytesMax);
  }

  /** Bytes so far: where a resumed download goes on. */
  get size(): number {
    return this.#size;
  }

  async append(bytes: Uint8Array): Promise<void> {
    if (this.#size + bytes.length > this.#bytesMax) {
      throw new ContentMismatch(`blob is longer than the promised ${this.#bytesMax} bytes`);
    }
    this.#hash?.update(bytes);
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#file.write(
        bytes,
        done,
        bytes.length - done,
        this.#size + done,
      );
      done += bytesWritten;
    }
    this.#size += bytes.length;
  }

  /** Forgets what came so far: the source sends the blob from its start again. */
  async restart(): Promise<void> {
    await this.#file.truncate(0);
    this.#hash = newHash(this.#algorithm);
    this.#size = 0;
  }

  digest(): Digest {
    assert(this.#hash !== undefined, "an ingest that computes no digest was asked for it");
    return `${this.#algorithm}:${this.#hash.copy().digest("hex")}` as Digest;
  }

  /** Makes the blob durable under its own name. */
  async publish(path: string): Promise<void> {
    await this.#file.sync();
    await rename(this.#path, path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
