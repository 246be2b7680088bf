import { createReadStream } from "node:fs";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { mediaTypes } from "../../api/oci/image.ts";
import { digestAlgorithm, digestHex, type Digest } from "./digest.ts";
import type { Images, StoredImage } from "./images.ts";
import { layerPath } from "./layer-plan.ts";
import { unpackLayer } from "./layer-unpack.ts";
import {
  formatManifest,
  parseImageConfig,
  parseManifest,
  selectPlatform,
  type Descriptor,
} from "./manifest.ts";
import { formatReference, parseReference } from "./reference.ts";

/** The annotations by which tools put an image's name into a layout. */
const nameAnnotations = ["io.containerd.image.name", "org.opencontainers.image.ref.name"] as const;

/**
 * Imports the images of an OCI layout folder. An image without a usable name in its annotations
 * gets `name`, which is an error to leave out then.
 */
export async function importLayout(
  images: Images,
  folder: string,
  name?: string,
): Promise<readonly StoredImage[]> {
  return await images.whileBusy(async () => {
    const index = parseManifest(await readFile(join(folder, "index.json")), mediaTypes.index);
    if (index.is !== "index") throw new Error(`${folder}/index.json is not an index`);
    const imported: StoredImage[] = [];
    for (const descriptor of index.manifests) {
      const names = name === undefined ? namesIn(descriptor) : [name];
      if (names.length === 0) throw new Error(`image ${descriptor.digest} has no name`);
      imported.push(await importDescriptor(images, folder, descriptor, names));
    }
    return imported;
  });
}

function namesIn({ annotations = {} }: Descriptor): readonly string[] {
  for (const annotation of nameAnnotations) {
    const text = annotations[annotation];
    // A bare tag ("latest") is common there, and is no name.
    if (text !== undefined && /[/:]/.test(text)) return [text];
  }
  return [];
}

async function importDescriptor(
  images: Images,
  folder: string,
  top: Descriptor,
  names: readonly string[],
): Promise<StoredImage> {
  const copy = async (descriptor: Descriptor): Promise<void> =>
    await importBlob(images, await blobFile(folder, descriptor.digest), descriptor);
  let chosen = top;
  await copy(top);
  let parsed = parseManifest(await images.content.read(top.digest), top.mediaType);
  if (parsed.is === "index") {
    chosen = selectPlatform(parsed, images.options.platform);
    await copy(chosen);
    parsed = parseManifest(await images.content.read(chosen.digest), chosen.mediaType);
  }
  if (parsed.is === "index") throw new Error(`index ${chosen.digest} within an index`);
  await copy(parsed.config);
  for (const layer of parsed.layers) await copy(layer);
  await unpackAll(images, parsed.config.digest, parsed.layers);
  const image = { target: top.digest, manifest: chosen.digest, config: parsed.config.digest };
  return await images.record(names.map(normalName), image);
}

const normalName = (name: string): string => formatReference(parseReference(name));

const blobFile = async (folder: string, digest: Digest): Promise<string> =>
  await fileIn(folder, `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`);

async function importBlob(
  images: Images,
  file: string,
  expected: { readonly digest: Digest; readonly size?: number },
): Promise<void> {
  await images.content.ensure(expected, async (ingest) => {
    for await (const chunk of createReadStream(file)) await ingest.append(chunk as Uint8Array);
  });
}

async function unpackAll(
  images: Images,
  config: Digest,
  layers: readonly { readonly digest: Digest }[],
): Promise<void> {
  const { diffIds } = parseImageConfig(await images.content.read(config));
  if (diffIds.length !== layers.length) {
    throw new Error(`image ${config} has ${layers.length} layers and ${diffIds.length} ids`);
  }
  for (const [index, diffId] of diffIds.entries()) {
    const digest = layers[index]?.digest ?? diffId;
    await images.layers.ensure(diffId, () => images.content.stream(digest));
  }
}

/**
 * Imports what `docker save` or `ctr export` wrote: an archive of a layout, or Docker's own form.
 */
export async function importArchive(
  images: Images,
  archive: AsyncIterable<Uint8Array>,
  name?: string,
): Promise<readonly StoredImage[]> {
  const folder = await mkdtemp(join(images.root, "ingest", "archive-"));
  try {
    return await images.whileBusy(async () => {
      await unpackLayer(archive, { folder, kernel: images.options.kernel });
      const hasLayout = await readFile(join(folder, "oci-layout")).catch(() => undefined);
      if (hasLayout !== undefined) return await importLayout(images, folder, name);
      return await importDockerFolder(images, folder, name);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface DockerImage {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

async function importDockerFolder(
  images: Images,
  folder: string,
  name?: string,
): Promise<readonly StoredImage[]> {
  const listed = parseDockerManifest(await readFile(join(folder, "manifest.json"), "utf8"));
  const imported: StoredImage[] = [];
  for (const { config, names, layers } of listed) {
    const given = name === undefined ? names : [name];
    if (given.length === 0) throw new Error(`image ${config} has no name`);
    const configBytes = await readFile(await fileIn(folder, config));
    const { diffIds } = parseImageConfig(configBytes);
    const descriptors: Descriptor[] = [];
    for (const [index, layer] of layers.entries()) {
      const diffId = diffIds[index];
      if (diffId === undefined) throw new Error(`layer ${layer} has no diff id`);
      descriptors.push(await importDockerLayer(images, await fileIn(folder, layer), diffId));
    }
    const stored = await images.content.add(configBytes);
    const made = formatManifest({ mediaType: mediaTypes.config, ...stored }, descriptors);
    const manifest = (await images.content.add(made)).digest;
    await unpackAll(images, stored.digest, descriptors);
    const image = { target: manifest, manifest, config: stored.digest };
    imported.push(await images.record(given.map(normalName), image));
  }
  return imported;
}

/** Docker saves layers uncompressed as a rule; the digest of the file is that of the blob. */
async function importDockerLayer(
  images: Images,
  file: string,
  diffId: Digest,
): Promise<Descriptor> {
  const stored = await images.content.addStream(createReadStream(file), digestHex(diffId));
  const isPlain = stored.digest === diffId;
  return { mediaType: isPlain ? mediaTypes.layer : mediaTypes.layerGzip, ...stored };
}

/**
 * Older archives link equal layers to one another; a link that leads out of the folder is refused.
 */
async function fileIn(folder: string, path: string): Promise<string> {
  const [root, file] = [await realpath(folder), await realpath(join(folder, ...layerPath(path)))];
  if (!file.startsWith(`${root}/`)) throw new Error(`${path} leads out of the archive`);
  return file;
}

function parseDockerManifest(text: string): readonly DockerImage[] {
  const json: unknown = JSON.parse(text);
  if (!Array.isArray(json)) throw new Error("manifest.json is not a list");
  return json.map((item: unknown) => {
    const fields = (item ?? {}) as Readonly<Record<string, unknown>>;
    const texts = (value: unknown): readonly string[] =>
      Array.isArray(value) ? value.map(String) : [];
    return {
      config: String(fields["Config"]),
      names: texts(fields["RepoTags"]),
      layers: texts(fields["Layers"]),
    };
  });
}
