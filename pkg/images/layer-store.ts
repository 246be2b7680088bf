/**
 * Unpacked layers, the lower folders of overlays: layers/<hex of the diff id>/. A layer appears by
 * rename when it is whole; half ones lie under layers-new/ and are removed at start.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../base/random.ts";
import { digestHex, type Digest } from "./digest.ts";
import type { LayerKernel } from "./layer-kernel.ts";
import { LayerUnpacker, unpackLayer } from "./layer-unpack.ts";

export class LayerStore {
  readonly #layers: string;
  readonly #unfinished: string;
  readonly #kernel: LayerKernel;
  readonly #random: Random;
  readonly #unpacking = new Map<Digest, Promise<void>>();

  private constructor(root: string, kernel: LayerKernel, random: Random) {
    this.#layers = join(root, "layers");
    this.#unfinished = join(root, "layers-new");
    this.#kernel = kernel;
    this.#random = random;
  }

  static async open(root: string, kernel: LayerKernel, random: Random): Promise<LayerStore> {
    const store = new LayerStore(root, kernel, random);
    await mkdir(store.#unfinished, { recursive: true, mode: 0o700 });
    // Layers hold setuid programs of strangers: nobody but root may reach them.
    await mkdir(store.#layers, { recursive: true, mode: 0o700 });
    return store;
  }

  /** Removes what was left half unpacked or half removed; nobody may be at it. */
  async clean(): Promise<void> {
    for (const name of await readdir(this.#unfinished)) {
      await rm(join(this.#unfinished, name), { recursive: true, force: true });
    }
  }

  path(diffId: Digest): string {
    return join(this.#layers, digestHex(diffId));
  }

  async has(diffId: Digest): Promise<boolean> {
    return await stat(this.path(diffId)).then(
      () => true,
      () => false,
    );
  }

  /** Unpacks the layer unless it is there; whoever else asks meanwhile waits for the same work. */
  async ensure(
    diffId: Digest,
    open: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    // Who came first may give up, which must not fail those who wait.
    for (let first = this.#unpacking.get(diffId); first; first = this.#unpacking.get(diffId)) {
      await first.catch(() => {});
    }
    if (existsSync(this.path(diffId))) return;
    const work = this.#unpack(diffId, open, signal).finally(() => this.#unpacking.delete(diffId));
    this.#unpacking.set(diffId, work);
    await work;
  }

  /** A layer that is being made here: unpacked while it is written, named at its end. */
  async begin(): Promise<NewLayer> {
    const folder = join(this.#unfinished, `new-${this.#random.suffix(12)}`);
    await mkdir(folder, { mode: 0o755 });
    return new NewLayer(folder, new LayerUnpacker(folder, this.#kernel), (diffId) =>
      this.#publish(folder, diffId),
    );
  }

  /** The folder takes its name, unless somebody was faster: the content is what a name says. */
  async #publish(folder: string, diffId: Digest): Promise<void> {
    try {
      await rename(folder, this.path(diffId));
    } catch (cause) {
      if (!(await this.has(diffId))) throw new Error(`keep layer ${diffId}`, { cause });
    }
  }

  /** Hex digits of the layers that are there. */
  async list(): Promise<readonly string[]> {
    return await readdir(this.#layers);
  }

  /** Renames first: a crash in the middle must not leave half a layer under a good name. */
  async remove(hex: string): Promise<void> {
    const doomed = join(this.#unfinished, `doomed-${this.#random.suffix(12)}`);
    await rename(join(this.#layers, hex), doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  async #unpack(
    diffId: Digest,
    open: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    const folder = join(this.#unfinished, `${digestHex(diffId)}-${this.#random.suffix(8)}`);
    await mkdir(folder, { mode: 0o755 });
    try {
      await unpackLayer(open(), { folder, kernel: this.#kernel, diffId }, signal);
      await rename(folder, this.path(diffId));
    } catch (cause) {
      await rm(folder, { recursive: true, force: true });
      // Another process was faster: a layer's content is what its name says.
      if (await this.has(diffId)) return;
      throw new Error(`unpack layer ${diffId}`, { cause });
    }
  }
}

/** Not there for others until it is published. */
export class NewLayer implements AsyncDisposable {
  readonly #folder: string;
  readonly #unpacker: LayerUnpacker;
  readonly #publish: (diffId: Digest) => Promise<void>;
  #diffId: Digest | undefined;

  constructor(folder: string, unpacker: LayerUnpacker, publish: (diffId: Digest) => Promise<void>) {
    this.#folder = folder;
    this.#unpacker = unpacker;
    this.#publish = publish;
  }

  /** The next bytes of its archive. */
  push(chunk: Uint8Array): void {
    this.#unpacker.push(chunk);
  }

  /** After the last of them: its name. */
  finish(): Digest {
    this.#diffId ??= this.#unpacker.finish();
    return this.#diffId;
  }

  /** Others find it from here on. */
  async publish(): Promise<Digest> {
    const diffId = this.finish();
    await this.#publish(diffId);
    return diffId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unpacker[Symbol.dispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
