import { mkdir, readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerConfig } from "../../api/cri/v1.ts";
import type { Images } from "../images/images.ts";
import type { Kernel } from "../linux/kernel.ts";
import { CriError, notFound } from "./cri-error.ts";
import { findImage } from "./image-service.ts";
import { normalPath } from "./spec-mounts-plan.ts";

/**
 * Images as volumes of containers: their layers, read-only, at <folder>/<container id>/<number>
 * until the container is removed. A container binds them from there.
 */
export class ImageVolumes {
  readonly #folder: string;
  readonly #images: Images;
  readonly #kernel: Kernel;

  constructor(folder: string, images: Images, kernel: Kernel) {
    this.#folder = folder;
    this.#images = images;
    this.#kernel = kernel;
  }

  /** Sources to bind, by container path. Throws NOT_FOUND for an image that is not here. */
  async prepare(
    id: string,
    { mounts = [] }: ContainerConfig,
  ): Promise<Readonly<Record<string, string>>> {
    const sources: Record<string, string> = {};
    for (const [index, { image, containerPath = "", imageSubPath = "" }] of mounts.entries()) {
      if (!image?.image) continue;
      const found = findImage({ images: this.#images }, image.image);
      if (found === undefined) throw notFound("image", image.image);
      const whole = await this.#mount(join(this.#folder, id, String(index)), found);
      sources[normalPath(containerPath)] = await below(whole, imageSubPath);
    }
    return sources;
  }

  /** Succeeds when there are none. */
  async remove(id: string): Promise<void> {
    const folder = join(this.#folder, id);
    for (const name of await readdir(folder).catch(() => [])) {
      this.#kernel.play([
        {
          call: "umount2",
          args: [join(folder, name), ["MNT_DETACH"]],
          because: "the container that saw it has gone",
          may: ["EINVAL", "ENOENT"],
        },
      ]);
    }
    await rm(folder, { recursive: true, force: true });
  }

  /** Containers that have some. */
  async list(): Promise<readonly string[]> {
    return await readdir(this.#folder).catch(() => []);
  }

  async #mount(path: string, image: Parameters<Images["lowerFolders"]>[0]): Promise<string> {
    const folders = this.#images.lowerFolders(image);
    await mkdir(path, { recursive: true, mode: 0o700 });
    const [only] = folders;
    if (only === undefined) return path;
    // Overlay wants two layers where nothing is written; one is bound as it is.
    const isOne = folders.length === 1;
    const flags = ["MS_RDONLY", "MS_NOSUID", "MS_NODEV"] as const;
    if (isOne) this.#kernel.call("mount", [only, path, "", ["MS_BIND"], 0], path);
    else {
      const data = `lowerdir=${folders.join(":")}`;
      this.#kernel.call("mount", ["overlay", path, "overlay", flags, data], path);
    }
    return path;
  }
}

/**
 * A path inside of an image, which is a stranger's: a link in it must not lead to the host. Nothing
 * in it changes, so that what is checked is what is bound.
 */
async function below(root: string, subPath: string): Promise<string> {
  if (subPath === "") return root;
  const inside = await realpath(join(root, normalPath(subPath))).catch((cause: unknown) => {
    throw new CriError("INVALID_ARGUMENT", `no ${subPath} in the image`, { cause });
  });
  if (inside.startsWith(`${await realpath(root)}/`)) return inside;
  throw new CriError("INVALID_ARGUMENT", `${subPath} leads out of the image`);
}
