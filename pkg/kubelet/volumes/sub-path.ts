import { constants } from "node:fs";
import { mkdir, open, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { VolumeError } from "./projected-files.ts";

/** What the file system must do for volumes; the kernel's door stands behind it. */
export interface VolumeMounts {
  /** Mounts a tmpfs; a size of 0 leaves it to the kernel (half of the memory). */
  tmpfs(path: string, sizeBytes: number): Promise<void>;
  /** Detaches what is mounted there, and does nothing when nothing is. */
  unmount(path: string): Promise<void>;
  /** Binds one path onto another that exists. */
  bind(source: string, target: string): Promise<void>;
}

/** Opens a name without opening what is behind it: enough to bind it. */
const O_PATH = 0o10_000_000;

const isWithin = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
};

/**
 * The path of a subPath, links resolved, checked to be in its volume. What is missing of it is
 * created as folders with the volume's mode. Throws VolumeError when it leads out of the volume.
 */
export async function resolveSubPath(volumePath: string, subPath: string): Promise<string> {
  if (subPath.startsWith("/") || subPath.split("/").includes(".."))
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} must stay within the volume`);
  const root = await realpath(volumePath);
  const wanted = join(root, subPath);
  const existing = await deepestExisting(wanted);
  const real = await realpath(existing);
  if (!isWithin(root, real))
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
  const missing = relative(existing, wanted);
  if (missing === "") return real;
  const made = join(real, missing);
  await mkdir(made, { recursive: true, mode: (await stat(root)).mode & 0o7777 });
  return made;
}

async function deepestExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const found = await realpath(at).catch(() => undefined);
    if (found !== undefined || at === dirname(at)) return at;
  }
}

/**
 * Binds a subPath to a place of its own, by descriptor: a container that swaps a folder for a link
 * after the check can no longer move where the mount leads.
 */
export async function bindSubPath(
  volumePath: string,
  subPath: string,
  target: string,
  mounts: VolumeMounts,
): Promise<string> {
  const path = await resolveSubPath(volumePath, subPath);
  await using handle = await open(path, O_PATH | constants.O_NOFOLLOW);
  const held = `/proc/self/fd/${handle.fd}`;
  if (!isWithin(await realpath(volumePath), await realpath(held)))
    throw new VolumeError(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
  await mkdir(dirname(target), { recursive: true, mode: 0o750 });
  await mounts.unmount(target);
  if ((await handle.stat()).isDirectory()) await mkdir(target, { recursive: true });
  else await (await open(target, "a")).close();
  await mounts.bind(held, target);
  return target;
}
