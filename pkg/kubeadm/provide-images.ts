import { createReadStream, existsSync, statSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { importArchive, importLayout } from "../images/import-layout.ts";
import type { Images, StoredImage } from "../images/images.ts";
import { pullImage } from "../images/pull-image.ts";
import { formatReference, parseReference } from "../images/reference.ts";
import type { ImageSource, WantedImage } from "./image-source.ts";

export interface ImageDoors {
  readonly images: Images;
  readonly clock: Clock;
  /** Makes the image of what is installed on this machine, under its name. */
  readonly build: (image: WantedImage) => Promise<void>;
  /** /etc/tskube/registries.yaml, for whoever is told what to do. */
  readonly registriesFile: string;
}

/** Names the image and where it was looked for, and says what to do. */
export class ImageUnavailable extends Error {
  override readonly name = "ImageUnavailable";
}

/**
 * Puts the images into the store. Answers a line for each. Throws ImageUnavailable where one cannot
 * be had; what was stored by then stays, and is found by the next attempt.
 */
export async function provideImages(
  source: ImageSource,
  wanted: readonly WantedImage[],
  doors: ImageDoors,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (source.from === "archive") return await takeFromArchive(source.path, wanted, doors);
  const said: string[] = [];
  for (const image of wanted) {
    const start = doors.clock.monotonic();
    const did =
      source.from === "registry" ? await pull(image, doors, signal) : await build(image, doors);
    const seconds = ((doors.clock.monotonic() - start) / 1000).toFixed(1);
    said.push(did === "kept" ? `${image.name} is here` : `${did} in ${seconds} s`);
  }
  return said;
}

const megabytes = ({ sizeBytes }: StoredImage): string => `${(sizeBytes / 1e6).toFixed(1)} MB`;

async function build(image: WantedImage, { images, build: make }: ImageDoors): Promise<string> {
  // Always made anew: the same files give the same image, and others must replace it.
  await make(image);
  const made = images.get(image.name);
  return `built ${image.name}: ${made === undefined ? "" : megabytes(made)}`;
}

async function pull(
  { name, at }: WantedImage,
  { images, registriesFile }: ImageDoors,
  signal: AbortSignal,
): Promise<string> {
  // Pods name the cluster's images, wherever a machine has them from.
  const nameIt = async (): Promise<void> => {
    if (name !== at) await images.alias(at, name);
  };
  if (images.get(at) !== undefined) {
    await nameIt();
    return "kept";
  }
  const host = parseReference(at).domain;
  try {
    const pulled = await pullImage(images, at, {}, signal);
    await nameIt();
    return `pulled ${at}: ${megabytes(pulled)}`;
  } catch (cause) {
    signal.throwIfAborted();
    throw new ImageUnavailable(
      `${at} cannot be had from ${host}: is the registry up and does a route to it exist ` +
        `(curl https://${host}/v2/), does it have the image (tsadm config images save makes an ` +
        `archive to push)? Mirrors, http:// and authorities of one's own are in ${registriesFile}`,
      { cause },
    );
  }
}

const normal = (name: string): string => formatReference(parseReference(name));

async function takeFromArchive(
  path: string,
  wanted: readonly WantedImage[],
  { images, clock }: ImageDoors,
): Promise<readonly string[]> {
  if (!existsSync(path)) {
    throw new ImageUnavailable(`${path} does not exist: make it with tsadm config images save`);
  }
  const start = clock.monotonic();
  const imported = await importFrom(images, path).catch((cause: unknown) => {
    throw new ImageUnavailable(
      `${path} is no archive of images (a tar of an OCI layout, or docker save's), and no folder ` +
        "with an OCI layout",
      { cause },
    );
  });
  const names = imported.flatMap(({ tags }) => tags);
  const missing = wanted.filter(({ name }) => !names.includes(normal(name)));
  if (missing.length > 0) {
    throw new ImageUnavailable(
      `${path} has no ${missing.map(({ name }) => name).join(", no ")}; it has ` +
        `${names.join(", ") || "none with a name"}: make it with tsadm config images save, of ` +
        "this version, and with the --image-repository of the cluster",
    );
  }
  const seconds = ((clock.monotonic() - start) / 1000).toFixed(1);
  return [`took ${wanted.map(({ name }) => name).join(", ")} from ${path} in ${seconds} s`];
}

const importFrom = (images: Images, path: string): Promise<readonly StoredImage[]> =>
  statSync(path).isDirectory()
    ? importLayout(images, path)
    : importArchive(images, createReadStream(path));
