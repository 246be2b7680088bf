import { randomBytes } from "node:crypto";
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

export interface ProjectedFile {
  /** Relative to the volume, without "..": "ca.crt", "keys/private". */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** 0o644 */
  readonly mode: number;
  /** Absent: root, or the volume's group. */
  readonly uid?: number;
}

/** (uid_t)-1, by which chown(2) leaves an owner as it is. */
export const unchanged = 0xffff_ffff;

/** The link through which containers see a whole generation of files. */
const dataLink = "..data";

/**
 * Makes a folder hold exactly these files, changed all at once: they are written beside, and one
 * rename of the `..data` link shows them. A container sees the old files or the new ones, never a
 * mixture, and a process killed at any instant leaves one of the two. Returns whether anything
 * changed. Throws what the file system throws.
 */
export async function writeAtomically(
  folder: string,
  files: readonly ProjectedFile[],
  gid: number | undefined,
): Promise<boolean> {
  const before = await readlink(join(folder, dataLink)).catch(() => undefined);
  if (before !== undefined && (await holds(join(folder, before), files))) return false;
  const generation = `..${randomBytes(8).toString("hex")}`;
  await writeGeneration(join(folder, generation), files, gid);
  const next = join(folder, `${dataLink}_tmp`);
  await rm(next, { force: true });
  await symlink(generation, next);
  await rename(next, join(folder, dataLink));
  await linkTopNames(folder, files);
  for (const entry of await readdir(folder)) {
    const stale = entry.startsWith("..") && entry !== dataLink && entry !== generation;
    if (stale) await rm(join(folder, entry), { recursive: true, force: true });
  }
  return true;
}

/** Whether a generation already has these files, with these bytes and modes, and no others. */
async function holds(generation: string, files: readonly ProjectedFile[]): Promise<boolean> {
  const entries = await readdir(generation, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  if (entries.filter((entry) => !entry.isDirectory()).length !== files.length) return false;
  for (const file of files) {
    const path = join(generation, file.path);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || (found.mode & 0o777) !== (file.mode & 0o777)) return false;
    if (!(await readFile(path)).equals(file.bytes)) return false;
  }
  return true;
}

async function writeGeneration(
  generation: string,
  files: readonly ProjectedFile[],
  gid: number | undefined,
): Promise<void> {
  await mkdir(generation, { mode: 0o755 });
  await chmod(generation, 0o755);
  for (const file of files) {
    const path = join(generation, file.path);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFile(path, file.bytes, { mode: file.mode });
    if (file.uid !== undefined || gid !== undefined)
      await chown(path, file.uid ?? unchanged, gid ?? unchanged);
    // After chown, which clears set-id bits, and past the umask.
    await chmod(path, file.mode);
  }
}

const topOf = (path: string): string => path.split("/")[0] ?? path;

/** The names that containers open lead through `..data`; names of files that went, go. */
async function linkTopNames(folder: string, files: readonly ProjectedFile[]): Promise<void> {
  const wanted = new Set(files.map((file) => topOf(file.path)));
  for (const entry of await readdir(folder)) {
    if (entry.startsWith("..")) continue;
    if (!wanted.has(entry)) await rm(join(folder, entry), { recursive: true, force: true });
    wanted.delete(entry);
  }
  for (const name of wanted) await symlink(join(dataLink, name), join(folder, name));
}
