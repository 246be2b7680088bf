import { mediaTypes, type Descriptor } from "../../api/oci/image.ts";
import { archive, type LayerMember } from "./build-image.ts";
import { utf8Bytes, utf8Text } from "./bytes.ts";
import { digestAlgorithm, digestHex, type Digest } from "./digest.ts";
import type { Images, StoredImage } from "./images.ts";
import { parseManifest } from "./manifest.ts";
import { parseReference } from "./reference.ts";
import { plainEntry } from "./tar-writer.ts";

/** An image of the store, and the name that it gets in the archive. */
export interface ExportedImage {
  readonly name: string;
  readonly image: StoredImage;
}

/**
 * Images as one tar archive of an OCI layout, which `importArchive`, containerd and Docker read.
 * The same images give the same bytes.
 */
export async function* exportArchive(
  images: Images,
  exported: readonly ExportedImage[],
): AsyncGenerator<Uint8Array> {
  yield* archive(layoutMembers(images, exported));
}

async function* layoutMembers(
  images: Images,
  exported: readonly ExportedImage[],
): AsyncGenerator<LayerMember> {
  const written = new Set<Digest>();
  const manifests: Descriptor[] = [];
  yield textMember("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  for (const { name, image } of exported) {
    const bytes = await images.content.read(image.manifest);
    const manifest = parseManifest(bytes, mediaTypes.manifest);
    if (manifest.is === "index") throw new Error(`${name}: a manifest that is an index`);
    const parts = [manifest.config, ...manifest.layers].map(({ digest }) => digest);
    for (const digest of [image.manifest, ...parts]) {
      if (written.has(digest)) continue;
      written.add(digest);
      yield await blobMember(images, digest);
    }
    manifests.push({
      mediaType: mediaTypeOf(bytes),
      digest: image.manifest,
      size: bytes.length,
      annotations: annotationsOf(name),
    });
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
  yield textMember("index.json", JSON.stringify(index));
}

/** The whole name as containerd writes it, and the tag as the specification has it. */
const annotationsOf = (name: string): Readonly<Record<string, string>> => ({
  "io.containerd.image.name": name,
  "org.opencontainers.image.ref.name": parseReference(name).tag ?? "latest",
});

/** A manifest of OCI's may leave its type out; Docker's never does. */
const mediaTypeOf = (manifest: Uint8Array): string =>
  (JSON.parse(utf8Text(manifest)) as { readonly mediaType?: string }).mediaType ??
  mediaTypes.manifest;

const textMember = (path: string, text: string): LayerMember => {
  const content = utf8Bytes(text);
  return { entry: { ...plainEntry, path, size: content.length }, content };
};

async function blobMember(images: Images, digest: Digest): Promise<LayerMember> {
  const path = `blobs/${digestAlgorithm(digest)}/${digestHex(digest)}`;
  const size = await images.content.size(digest);
  if (size === undefined) throw new Error(`the blob ${digest} is missing`);
  return { entry: { ...plainEntry, path, size }, content: images.content.stream(digest) };
}
