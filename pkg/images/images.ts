/**
 * The images of a machine: names, blobs, unpacked layers, and containers' writable layers, below
 * one folder. It downloads, imports, unpacks, removes; it never mounts and never runs anything.
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { chainOf } from "../base/errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { ContentStore } from "./content-store.ts";
import type { Digest } from "./digest.ts";
import { folderUsage, type FolderUsage } from "./folder-usage.ts";
import type { LayerKernel } from "./layer-kernel.ts";
import { LayerStore } from "./layer-store.ts";
import { readLayeredFile } from "./layered-file.ts";
import { parseImageConfig, parseManifest, type ImageConfig, type Platform } from "./manifest.ts";
import { formatReference, parseReference } from "./reference.ts";
import { ReferenceStore, type ReferenceRecord } from "./reference-store.ts";
import { noRegistries, type RegistriesConfig, type RegistryLogin } from "./registry-plan.ts";
import type { RegistryTransport } from "./registry-transport.ts";
import { Snapshots, type Snapshot } from "./snapshots.ts";

export interface ImagesOptions {
  /** /var/lib/tskube/images */
  readonly root: string;
  readonly kernel: LayerKernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly transport: RegistryTransport;
  readonly platform: Platform;
  readonly registries?: RegistriesConfig;
}

/** An image that is here, whole and unpacked. */
export interface StoredImage {
  /** Digest of the configuration. */
  readonly id: Digest;
  /** docker.io/library/nginx:latest … */
  readonly tags: readonly string[];
  /** docker.io/library/nginx@sha256:… */
  readonly digests: readonly string[];
  /** Bytes of all its blobs, compressed as they came. */
  readonly sizeBytes: number;
  readonly config: ImageConfig;
  readonly manifest: Digest;
}

/** A piece of news while an image comes in. */
export interface PullProgress {
  readonly digest: Digest;
  readonly at: "waiting" | "downloading" | "unpacking" | "done";
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface PullOptions {
  readonly login?: RegistryLogin;
  readonly onProgress?: (progress: PullProgress) => void;
}

const lockRetryMs = 10;

interface Facts {
  readonly config: ImageConfig;
  readonly sizeBytes: number;
  readonly blobs: readonly Digest[];
}

/** The stores that importing and pulling write into. */
export class Images {
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly snapshots: Snapshots;
  readonly options: ImagesOptions;
  readonly #references: ReferenceStore;
  /** By manifest digest; what is derived from immutable blobs never changes. */
  readonly #facts = new Map<Digest, Facts>();
  /** Somebody asked for a collection that had to wait. */
  #isGarbageDue = false;
  /** Bytes of unpacked layers, by their folder's name; they never change either. */
  readonly #layerUsage = new Map<string, FolderUsage>();

  private constructor(
    options: ImagesOptions,
    stores: {
      readonly content: ContentStore;
      readonly layers: LayerStore;
      readonly snapshots: Snapshots;
      readonly references: ReferenceStore;
    },
  ) {
    this.options = options;
    this.content = stores.content;
    this.layers = stores.layers;
    this.snapshots = stores.snapshots;
    this.#references = stores.references;
  }

  /** Opens the store, removes what a killed process left half done, and forgets broken images. */
  static async open(options: ImagesOptions): Promise<Images> {
    const { root } = options;
    await mkdir(root, { recursive: true, mode: 0o700 });
    const images = new Images(options, {
      content: await ContentStore.open(root, options.random),
      layers: await LayerStore.open(root, options.kernel, options.random),
      snapshots: await Snapshots.open(join(root, "snapshots")),
      references: await ReferenceStore.open(join(root, "references"), options.clock),
    });
    await images.#clean();
    for (const record of images.#references.list()) await images.#check(record);
    await images.collectGarbage();
    return images;
  }

  get root(): string {
    return this.options.root;
  }

  get registries(): RegistriesConfig {
    return this.options.registries ?? noRegistries;
  }

  /** By name, by name and digest, or by id (whole, or its first hex digits). */
  get(nameOrId: string): StoredImage | undefined {
    const id = this.#findId(nameOrId);
    return id === undefined ? undefined : this.list().find((image) => image.id === id);
  }

  list(): readonly StoredImage[] {
    const byId = Map.groupBy(this.#references.list(), ({ config }) => config);
    return [...byId].flatMap(([id, records]) => {
      const facts = records[0] === undefined ? undefined : this.#factsOf(records[0]);
      if (facts === undefined || records[0] === undefined) return [];
      const names = records.map(({ name }) => name).toSorted();
      return {
        id,
        tags: names.filter((name) => !name.includes("@")),
        digests: names.filter((name) => name.includes("@")),
        sizeBytes: facts.sizeBytes,
        config: facts.config,
        manifest: records[0].manifest,
      };
    });
  }

  /** Lower folders of the image's overlay, topmost first. */
  lowerFolders(image: Pick<StoredImage, "config">): readonly string[] {
    return image.config.diffIds.map((diffId) => this.layers.path(diffId)).toReversed();
  }

  /**
   * A container's overlay, uppermost layer first; there even when the image has no name any more.
   */
  overlayOf(containerId: string): Snapshot & { readonly lower: readonly string[] } {
    const lower = this.snapshots.layersOf(containerId).map((diffId) => this.layers.path(diffId));
    return { lower: lower.toReversed(), ...this.snapshots.paths(containerId) };
  }

  /** A file of the image, as a container would see it. */
  readFile(image: Pick<StoredImage, "config">, path: string): Uint8Array | undefined {
    return readLayeredFile(this.lowerFolders(image), path, this.options.kernel);
  }

  async prepareSnapshot(containerId: string, image: StoredImage): Promise<Snapshot> {
    const { diffIds } = image.config;
    return await this.whileBusy(async () => {
      // Asked under the lock: somebody may have removed the image just now.
      for (const diffId of diffIds) {
        if (!(await this.layers.has(diffId))) throw new Error(`layer ${diffId} is gone`);
      }
      return await this.snapshots.prepare(containerId, diffIds);
    });
  }

  /** Gives an image that is here, and has the one name, another one too. */
  async alias(existing: string, name: string): Promise<void> {
    const record = this.#references.get(formatReference(parseReference(existing)));
    if (record === undefined) throw new Error(`there is no image ${existing}`);
    await this.#references.put({ ...record, name: formatReference(parseReference(name)) });
  }

  /** Writes down an image that is here under names. */
  async record(
    names: readonly string[],
    image: Omit<ReferenceRecord, "name" | "createdAtMs">,
  ): Promise<StoredImage> {
    this.#facts.set(image.manifest, this.#readFacts(image));
    for (const name of names) {
      await this.#references.put({ ...image, name, createdAtMs: this.options.clock.now() });
    }
    const stored = this.list().find(({ id }) => id === image.config);
    if (stored === undefined) throw new Error(`image ${image.config} was recorded under no name`);
    return stored;
  }

  /** Removes a name, or with an id all names of the image. Succeeds when there is none. */
  async remove(nameOrId: string): Promise<void> {
    const id = this.#findId(nameOrId);
    if (id === undefined) return;
    // CRI removes images, not names: what is left of one would never be asked for again.
    const doomed = this.#references.list().filter((record) => record.config === id);
    for (const { name } of doomed) await this.#references.remove(name);
    await this.collectGarbage();
  }

  /** Runs work that adds blobs and layers before any name holds them: garbage is left alone. */
  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    let busy = this.#lock("shared");
    // Who collects garbage is soon done.
    for (; busy === undefined; busy = this.#lock("shared")) {
      await this.options.clock.sleep(lockRetryMs);
    }
    try {
      return await work();
    } finally {
      busy[Symbol.dispose]();
      if (this.#isGarbageDue) await this.collectGarbage();
    }
  }

  /**
   * Removes blobs and layers that no name and no container needs. While images come in, or another
   * collection runs, it is put off until that is done; another process's next start or removal
   * does it where we are not there any more.
   */
  async collectGarbage(): Promise<void> {
    this.#isGarbageDue = true;
    while (this.#isGarbageDue) {
      using alone = this.#lock("exclusive");
      if (alone === undefined) return;
      this.#isGarbageDue = false;
      await this.#collect();
    }
  }

  async #collect(): Promise<void> {
    const records = this.#references.list();
    await collectGarbage({
      content: this.content,
      layers: this.layers,
      usedBlobs: records.flatMap((record) => [
        record.target,
        ...(this.#factsOf(record)?.blobs ?? []),
      ]),
      usedLayers: [
        ...(await this.snapshots.usedLayers()),
        ...records.flatMap((record) => this.#factsOf(record)?.config.diffIds ?? []),
      ],
    });
  }

  /** Put off while another process is at work in the store. */
  async #clean(): Promise<void> {
    using alone = this.#lock("exclusive");
    if (alone === undefined) return;
    await this.content.clean();
    await this.layers.clean();
    await this.snapshots.clean();
  }

  /** Shared among those who add, also in other processes; exclusive to who removes. */
  #lock(kind: "shared" | "exclusive"): Disposable | undefined {
    return this.options.kernel.lock(join(this.root, "lock"), kind);
  }

  /** Bytes and files that a container has written. */
  async snapshotUsage(id: string): Promise<FolderUsage> {
    return await folderUsage(this.snapshots.paths(id).upper);
  }

  /** Bytes and files of the whole store. Layers are measured once. */
  async usage(): Promise<FolderUsage> {
    const parts: FolderUsage[] = [];
    for (const hex of await this.layers.list()) {
      const known =
        this.#layerUsage.get(hex) ?? (await folderUsage(join(this.root, "layers", hex)));
      this.#layerUsage.set(hex, known);
      parts.push(known);
    }
    for (const folder of ["blobs", "snapshots", "ingest"]) {
      parts.push(await folderUsage(join(this.root, folder)));
    }
    const sum = (key: keyof FolderUsage): number =>
      parts.reduce((total, part) => total + part[key], 0);
    return { bytes: sum("bytes"), inodes: sum("inodes") };
  }

  #findId(nameOrId: string): Digest | undefined {
    const records = this.#references.list();
    const hex = nameOrId.startsWith("sha256:") ? nameOrId.slice(7) : nameOrId;
    if (/^[0-9a-f]{4,64}$/.test(hex)) {
      const matches = new Set(
        records.filter(({ config }) => config.startsWith(`sha256:${hex}`)).map((r) => r.config),
      );
      if (matches.size === 1) return [...matches][0];
    }
    if (/^[0-9a-f]{64}$/.test(hex)) return undefined;
    return this.#references.get(formatReference(parseReference(nameOrId)))?.config;
  }

  async #check(record: ReferenceRecord): Promise<void> {
    try {
      const facts = this.#readFacts(record);
      for (const diffId of facts.config.diffIds) {
        if (!(await this.layers.has(diffId))) throw new Error(`layer ${diffId} is missing`);
      }
      this.#facts.set(record.manifest, facts);
    } catch (error) {
      // An image that is not whole is as good as absent: it is pulled again when needed.
      const fields = { image: record.name, error: chainOf(error) };
      this.options.logger.warn(fields, "forgetting a broken image");
      await this.#references.remove(record.name);
    }
  }

  /** Of an image that another process may just have recorded; undefined when it is broken. */
  #factsOf(record: ReferenceRecord): Facts | undefined {
    const known = this.#facts.get(record.manifest);
    if (known !== undefined) return known;
    try {
      const facts = this.#readFacts(record);
      this.#facts.set(record.manifest, facts);
      return facts;
    } catch (error) {
      this.options.logger.warn({ image: record.name, error: chainOf(error) }, "broken image");
      return undefined;
    }
  }

  #readFacts(record: Omit<ReferenceRecord, "name" | "createdAtMs">): Facts {
    const manifestBytes = readFileSync(this.content.path(record.manifest));
    const manifest = parseManifest(manifestBytes, "");
    if (manifest.is === "index") throw new Error(`${record.manifest} is an index`);
    const configBytes = readFileSync(this.content.path(record.config));
    const descriptors = [manifest.config, ...manifest.layers];
    return {
      config: parseImageConfig(configBytes),
      sizeBytes: descriptors.reduce((sum, { size }) => sum + size, manifestBytes.length),
      blobs: [record.manifest, ...descriptors.map(({ digest }) => digest)],
    };
  }
}
