import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mediaTypes } from "../../api/oci/image.ts";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { archive, buildImage, noDefaults, type LayerMember } from "./build-image.ts";
import { digestHex } from "./digest.ts";
import { Images, type StoredImage } from "./images.ts";
import { importArchive, importLayout } from "./import-layout.ts";
import { linuxLayerKernel } from "./linux-layer-kernel.ts";
import { parseManifest } from "./manifest.ts";
import { plainEntry } from "./tar-writer.ts";

const root = mkdtempSync(join(tmpdir(), "tskube-import-"));
let opened = 0;
const open = async (): Promise<Images> =>
  await Images.open({
    root: join(root, `store-${opened++}`),
    kernel: linuxLayerKernel(systemKernel()),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    transport: async () => await Promise.reject(new Error("no network")),
    platform: { os: "linux", architecture: "amd64" },
  });

const member = (path: string, text: string): LayerMember => ({
  entry: { ...plainEntry, path, size: Buffer.byteLength(text) },
  content: Buffer.from(text),
});
async function* members(...list: readonly LayerMember[]): AsyncGenerator<LayerMember> {
  yield* list;
}
async function tar(...list: readonly LayerMember[]): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(archive(members(...list))));
}
const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

let image: StoredImage;
let folder: string;

/** An OCI layout of an image that is in a store, as other tools write it. */
async function writeLayout(images: Images, name: string | undefined): Promise<string> {
  const target = mkdtempSync(join(root, "layout-"));
  mkdirSync(join(target, "blobs", "sha256"), { recursive: true });
  const bytes = await images.content.read(image.manifest);
  const manifest = parseManifest(bytes, mediaTypes.manifest);
  if (manifest.is === "index") throw new Error("an image's manifest is no index");
  for (const digest of [
    image.manifest,
    manifest.config.digest,
    ...manifest.layers.map((l) => l.digest),
  ]) {
    const blob = await images.content.read(digest);
    writeFileSync(join(target, "blobs", "sha256", digestHex(digest)), blob);
  }
  const annotations = name === undefined ? {} : { "org.opencontainers.image.ref.name": name };
  const descriptor = { mediaType: mediaTypes.manifest, digest: image.manifest, size: bytes.length };
  const index = { schemaVersion: 2, manifests: [{ ...descriptor, annotations }] };
  writeFileSync(join(target, "index.json"), JSON.stringify(index));
  writeFileSync(join(target, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return target;
}

beforeAll(async () => {
  const source = await open();
  image = await buildImage(source, {
    name: "source",
    config: { ...noDefaults, cmd: ["sh"] },
    layers: [members(member("one", "1")), members(member("two", "2"))],
  });
  folder = await writeLayout(source, "example.org/app:v1");
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("importLayout", () => {
  it("takes the image's own name, or the one that is given", async () => {
    const [own] = await importLayout(await open(), folder);
    expect(own).toMatchObject({ id: image.id, tags: ["example.org/app:v1"] });
    const images = await open();
    const [given] = await importLayout(images, folder, "mine");
    expect(given?.tags).toEqual(["docker.io/library/mine:latest"]);
    expect(given && images.readFile(given, "/two")).toEqual(Buffer.from("2"));
  });

  it("refuses an image without a name, and a blob that is not what it is called", async () => {
    const nameless = await writeLayout(await sourceAgain(), undefined);
    await expect(importLayout(await open(), nameless)).rejects.toThrow("no name");
    const broken = await writeLayout(await sourceAgain(), "example.org/app:v1");
    writeFileSync(join(broken, "blobs", "sha256", digestHex(image.id)), "{}");
    const images = await open();
    await expect(importLayout(images, broken)).rejects.toThrow("bytes, not");
    expect(images.list()).toEqual([]);
  });
});

/** The same image in another store: builds are reproducible. */
async function sourceAgain(): Promise<Images> {
  const images = await open();
  await importLayout(images, folder);
  return images;
}

describe("importArchive", () => {
  const config = (layer: Buffer): Buffer =>
    Buffer.from(
      JSON.stringify({
        os: "linux",
        architecture: "amd64",
        config: { Cmd: ["sh"] },
        rootfs: { type: "layers", diff_ids: [sha256(layer), sha256(layer)] },
      }),
    );

  it("reads what docker save wrote, equal layers linked to one another", async () => {
    const layer = await tar(member("hello", "world"));
    const document = config(layer).toString();
    const manifest = [
      { Config: "c.json", RepoTags: ["app:1"], Layers: ["a/layer.tar", "b/layer.tar"] },
    ];
    const saved = await tar(
      member("manifest.json", JSON.stringify(manifest)),
      member("c.json", document),
      { entry: { ...plainEntry, path: "a/layer.tar", size: layer.length }, content: layer },
      {
        entry: { ...plainEntry, path: "b/layer.tar", type: "symlink", linkPath: "../a/layer.tar" },
      },
    );
    const file = join(root, "saved.tar.gz");
    writeFileSync(file, gzipSync(saved));
    const images = await open();
    const [imported] = await importArchive(images, createReadStream(file));
    expect(imported).toMatchObject({
      id: sha256(Buffer.from(document)),
      tags: ["docker.io/library/app:1"],
    });
    expect(imported && images.readFile(imported, "/hello")).toEqual(Buffer.from("world"));
  });

  it("never follows a link out of the archive", async () => {
    const secret = join(root, "secret");
    const layer = await tar(member("root", "of the host"));
    writeFileSync(secret, layer);
    const manifest = [
      { Config: "c.json", RepoTags: ["app:1"], Layers: ["layer.tar", "layer.tar"] },
    ];
    const evil = await tar(
      member("manifest.json", JSON.stringify(manifest)),
      member("c.json", config(layer).toString()),
      { entry: { ...plainEntry, path: "layer.tar", type: "symlink", linkPath: secret } },
    );
    const file = join(root, "evil.tar");
    writeFileSync(file, evil);
    await expect(importArchive(await open(), createReadStream(file))).rejects.toThrow(
      "out of the archive",
    );
  });
});
