import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { constants, createZstdCompress } from "node:zlib";
import { mediaTypes } from "../../api/oci/image.ts";
import type { Digest } from "./digest.ts";
import type { Images, StoredImage } from "./images.ts";
import {
  formatImageConfig,
  formatManifest,
  type ContainerDefaults,
  type Descriptor,
} from "./manifest.ts";
import { formatReference, parseReference } from "./reference.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";
import type { TarEntry } from "./tar-entry.ts";

/** One member of a layer that is made here. */
export interface LayerMember {
  readonly entry: TarEntry;
  /** Exactly `entry.size` bytes; absent for members without content. */
  readonly content?: AsyncIterable<Uint8Array> | Uint8Array;
}

export interface ImageParts {
  /** nginx, docker.io/library/nginx:1.22 */
  readonly name: string;
  readonly config: ContainerDefaults;
  /** Lowest first. The same members in the same order give the same image, bit for bit. */
  readonly layers: readonly AsyncIterable<LayerMember>[];
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
    for (const [index, members] of parts.layers.entries()) {
      layers.push(
        await writeLayer(images, members, `build-${index}-${images.options.random.suffix(8)}`),
      );
    }
    const { platform } = images.options;
    const diffIds = layers.map(({ diffId }) => diffId);
    // No creation time: it would make every build another image.
    const document = formatImageConfig({ ...platform, config: parts.config, diffIds });
    const config = await images.content.add(document);
    const descriptors = layers.map(({ descriptor }) => descriptor);
    const made = formatManifest({ mediaType: mediaTypes.config, ...config }, descriptors);
    const { digest: manifest } = await images.content.add(made);
    for (const { descriptor, diffId } of layers) {
      await images.layers.ensure(diffId, () => images.content.stream(descriptor.digest));
    }
    const name = formatReference(parseReference(parts.name));
    return await images.record([name], { target: manifest, manifest, config: config.digest });
  });
}

async function writeLayer(
  images: Images,
  members: AsyncIterable<LayerMember>,
  name: string,
): Promise<{ descriptor: Descriptor; diffId: Digest }> {
  const hash = createHash("sha256");
  const tar = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of archive(members)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  // Level 3 of zstd compresses ten times as fast as gzip, and smaller.
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  const source = Readable.from(tar(), { objectMode: true });
  const compressed = createZstdCompress({ params });
  source.on("error", (error) => compressed.destroy(error));
  const stored = await images.content.addStream(source.pipe(compressed), name);
  const descriptor = { mediaType: mediaTypes.layerZstd, ...stored };
  return { descriptor, diffId: `sha256:${hash.digest("hex")}` as Digest };
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
