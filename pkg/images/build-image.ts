import { Readable } from "node:stream";
import { constants, createZstdCompress } from "node:zlib";
import { mediaTypes } from "../../api/oci/image.ts";
import type { Digest } from "./digest.ts";
import type { Images, StoredImage } from "./images.ts";
import {
  formatImageConfig,
  formatManifest,
  parseManifest,
  type ContainerDefaults,
  type Descriptor,
} from "./manifest.ts";
import { formatReference, parseReference } from "./reference.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";
import type { TarEntry } from "./tar-entry.ts";

/** One member of a layer that is made here. */
export interface LayerMember {
  readonly entry: TarEntry;
  /**
   * Exactly `entry.size` bytes; absent for members without content. A chunk is good until the next
   * one is asked for.
   */
  readonly content?: AsyncIterable<Uint8Array> | Uint8Array;
}

export interface ImageParts {
  /** nginx, docker.io/library/nginx:1.22 */
  readonly name: string;
  readonly config: ContainerDefaults;
  /** An image of this store to build upon: its layers come first. */
  readonly base?: StoredImage;
  /** Lowest first. The same members in the same order give the same image, bit for bit. */
  readonly layers: readonly AsyncIterable<LayerMember>[];
  /** How layers are kept; zstd where absent. An image that never leaves its machine needs none. */
  readonly compression?: "zstd" | "none";
}

export const noDefaults: ContainerDefaults = {
  user: "",
  env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
  entrypoint: [],
  cmd: [],
  workingDir: "",
  labels: {},
  stopSignal: "",
  volumes: [],
  exposedPorts: [],
};

/** Builds an image from members, straight into the store: layers, configuration, manifest, name. */
export async function buildImage(images: Images, parts: ImageParts): Promise<StoredImage> {
  return await images.whileBusy(async () => {
    const layers: { descriptor: Descriptor; diffId: Digest }[] = [];
    for (const members of parts.layers) {
      layers.push(await writeLayer(images, members, parts.compression ?? "zstd"));
    }
    const { platform } = images.options;
    const below = parts.base === undefined ? [] : await layersOf(images, parts.base);
    const diffIds = [...(parts.base?.config.diffIds ?? []), ...layers.map(({ diffId }) => diffId)];
    // No creation time: it would make every build another image.
    const document = formatImageConfig({ ...platform, config: parts.config, diffIds });
    const config = await images.content.add(document);
    const descriptors = [...below, ...layers.map(({ descriptor }) => descriptor)];
    const made = formatManifest({ mediaType: mediaTypes.config, ...config }, descriptors);
    const { digest: manifest } = await images.content.add(made);
    const name = formatReference(parseReference(parts.name));
    return await images.record([name], { target: manifest, manifest, config: config.digest });
  });
}

/** One pass: the archive goes into the content store and, unpacked, into the layer store. */
async function layersOf(images: Images, image: StoredImage): Promise<readonly Descriptor[]> {
  const manifest = parseManifest(await images.content.read(image.manifest), "");
  if (manifest.is === "index") throw new Error(`${image.id} has an index for a manifest`);
  return manifest.layers;
}

async function writeLayer(
  images: Images,
  members: AsyncIterable<LayerMember>,
  compression: "zstd" | "none",
): Promise<{ descriptor: Descriptor; diffId: Digest }> {
  await using layer = await images.layers.begin();
  const tar = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of archive(members)) {
      layer.push(chunk);
      // The compressor reads ahead, and keeps what it has not come to.
      yield compression === "none" ? chunk : Buffer.from(chunk);
    }
  };
  const [source, mediaType] =
    compression === "none" ? [tar(), mediaTypes.layer] : [compressed(tar()), mediaTypes.layerZstd];
  const name = `build-${images.options.random.suffix(12)}`;
  // An archive that is kept as it is has its layer's digest: it is not computed twice.
  const known = compression === "none" ? () => layer.finish() : undefined;
  const stored = await images.content.addStream(source, name, known);
  return { descriptor: { mediaType, ...stored }, diffId: await layer.publish() };
}

function compressed(tar: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // Level 3 of zstd compresses ten times as fast as gzip, and smaller.
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  const source = Readable.from(tar, { objectMode: true });
  const compressor = createZstdCompress({ params });
  source.on("error", (error) => compressor.destroy(error));
  return source.pipe(compressor);
}

/** A tar archive of the members. */
export async function* archive(members: AsyncIterable<LayerMember>): AsyncGenerator<Uint8Array> {
  for await (const { entry, content } of members) {
    yield tarHeader(entry);
    if (content === undefined) continue;
    let size = 0;
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      size += chunk.length;
      yield chunk;
    }
    if (size !== entry.size) throw new Error(`${entry.path} has ${size} bytes, not ${entry.size}`);
    yield tarPadding(size);
  }
  yield tarEnd();
}
