import { mkdir, open, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import type { HostPathVolumeSource } from "../../../api/core/v1.ts";
import { VolumeError } from "./projected-files.ts";

interface PathType {
  readonly is: (stats: Stats) => boolean;
  readonly noun: string;
  readonly create?: (path: string) => Promise<unknown>;
}

const directory = { is: (stats: Stats) => stats.isDirectory(), noun: "a directory" };
const file = { is: (stats: Stats) => stats.isFile(), noun: "a file" };

const types: Readonly<Record<string, PathType>> = {
  Directory: directory,
  DirectoryOrCreate: {
    ...directory,
    create: (path) => mkdir(path, { recursive: true, mode: 0o755 }),
  },
  File: file,
  FileOrCreate: {
    ...file,
    create: async (path) => (await open(path, "a", 0o644)).close(),
  },
  Socket: { is: (stats) => stats.isSocket(), noun: "a socket" },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), noun: "a character device" },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), noun: "a block device" },
};

/** Checks a hostPath, and creates what its type says. Throws VolumeError when it does not fit. */
export async function prepareHostPath({ path, type }: HostPathVolumeSource): Promise<string> {
  if (path.split("/").includes(".."))
    throw new VolumeError(`hostPath ${path} must not contain ".."`);
  const kind = types[type ?? ""];
  if (kind === undefined) return path;
  if (kind.create !== undefined && (await statOf(path)) === undefined) await kind.create(path);
  const stats = await statOf(path);
  if (stats === undefined || !kind.is(stats))
    throw new VolumeError(`hostPath type check failed: ${path} is not ${kind.noun}`);
  return path;
}

const statOf = (path: string): Promise<Stats | undefined> => stat(path).catch(() => undefined);
