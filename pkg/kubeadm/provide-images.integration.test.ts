import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { buildImage, noDefaults } from "../images/build-image.ts";
import { exportArchive } from "../images/export-archive.ts";
import { Images } from "../images/images.ts";
import { linuxLayerKernel } from "../images/linux-layer-kernel.ts";
import { createRegistryTransport } from "../images/registry-transport.ts";
import { noRegistries, type RegistriesConfig } from "../images/registry-plan.ts";
import { plainEntry } from "../images/tar-writer.ts";
import { startLocalRegistry, type LocalRegistry } from "../images/testing/local-registry.ts";
import { systemKernel } from "../linux/system-kernel.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { imagesIn } from "./cluster-spec.ts";
import { imageSource, wantedImages, type WantedImage } from "./image-source.ts";
import { provideImages, type ImageDoors } from "./provide-images.ts";

const root = mkdtempSync(join(tmpdir(), "tskube-provide-"));
const transport = createRegistryTransport();
const { signal } = new AbortController();
let opened = 0;

const open = async (registries: RegistriesConfig = noRegistries): Promise<ImageDoors> => {
  const images = await Images.open({
    root: join(root, `store-${opened++}`),
    kernel: linuxLayerKernel(systemKernel()),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    transport,
    platform: { os: "linux", architecture: "amd64" },
    registries,
  });
  const build = async ({ name, part }: WantedImage): Promise<void> => {
    const content = Buffer.from(part);
    const entry = { ...plainEntry, path: "part", size: content.length };
    const members = (async function* () {
      yield { entry, content };
    })();
    await buildImage(images, { name, config: noDefaults, layers: [members] });
  };
  return { images, build, clock: systemClock, registriesFile: "/etc/registries.yaml" };
};

const parts = ["tskube", "etcd"] as const;
const cluster = imagesIn("registry.example/tskube");
const wanted = (source: ReturnType<typeof imageSource>) => wantedImages(cluster, source, parts);
const here = { from: "this machine" } as const;
const archive = join(root, "images.tar.gz");
let registry: LocalRegistry;

beforeAll(async () => {
  const builder = await open();
  await provideImages(here, wanted(here), builder, signal);
  const exported = Object.values(cluster).flatMap((name) => {
    const image = builder.images.get(name);
    return image === undefined ? [] : [{ name, image }];
  });
  const bytes = exportArchive(builder.images, exported);
  await pipeline(bytes, createGzip(), createWriteStream(archive));
  registry = await startLocalRegistry();
  for (const { name, image } of exported) {
    const [repository = "", tag = ""] = name.replace("registry.example/", "").split(":");
    await registry.push(builder.images, image, repository, tag);
  }
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  transport[Symbol.dispose]();
  rmSync(root, { recursive: true, force: true });
});

/** What is in the store, by the file that each image has. */
const partIn = ({ images }: ImageDoors, name: string): string => {
  const image = images.get(name);
  const file = image === undefined ? undefined : images.readFile(image, "/part");
  return file === undefined ? "" : Buffer.from(file).toString();
};
const expectAll = (doors: ImageDoors): void =>
  expect(parts.map((part) => partIn(doors, cluster[part]))).toEqual(parts);

describe("provideImages", () => {
  it("takes them from an archive", async () => {
    const source = imageSource(archive, "x");
    const doors = await open();
    const [line] = await provideImages(source, wanted(source), doors, signal);
    expect(line).toContain(`took ${cluster.tskube}, ${cluster.etcd} from ${archive}`);
    expectAll(doors);
  });

  it("names what an archive has not, and what it has", async () => {
    const source = imageSource(archive, "x");
    const other = wantedImages(imagesIn("other.example"), source, ["etcd"]);
    await expect(provideImages(source, other, await open(), signal)).rejects.toThrow(
      /has no other.example\/tskube-etcd:v[\d.]+; it has registry.example\/tskube\/tskube/,
    );
  });

  it("says of a file and of a folder that they are no archives", async () => {
    const file = join(root, "text.tar");
    writeFileSync(file, "no archive");
    for (const path of [file, root]) {
      const source = { from: "archive", path } as const;
      await expect(provideImages(source, wanted(source), await open(), signal)).rejects.toThrow(
        /is no archive of images .*, and no folder with an OCI layout/,
      );
    }
  });

  it("pulls them from a registry, and keeps what is there", async () => {
    const source = imageSource(`${registry.host}/tskube`, "x");
    const doors = await open();
    const first = await provideImages(source, wanted(source), doors, signal);
    expect(first[0]).toContain(`pulled ${registry.host}/tskube/tskube:`);
    // Pods name them as the cluster does, wherever this machine has them from.
    expectAll(doors);
    const second = await provideImages(source, wanted(source), doors, signal);
    expect(second).toEqual(parts.map((part) => `${cluster[part]} is here`));
  });

  it("pulls them through a mirror of the cluster's registry", async () => {
    const source = imageSource(undefined, "registry.example/tskube");
    const doors = await open({ mirrors: { "registry.example": [`http://${registry.host}`] } });
    await provideImages(source, wanted(source), doors, signal);
    expectAll(doors);
  });

  it("says where nobody answered, and which file says who else to ask", async () => {
    const source = imageSource("127.0.0.1:1/tskube", "x");
    await expect(provideImages(source, wanted(source), await open(), signal)).rejects.toThrow(
      /cannot be had from 127.0.0.1:1: is the registry up .*\/etc\/registries.yaml/,
    );
  });
});
