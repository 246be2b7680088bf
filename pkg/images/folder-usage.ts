import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface FolderUsage {
  /** On the disk, as `du` counts them: whole blocks, hard links once, holes not at all. */
  readonly bytes: number;
  readonly inodes: number;
}

const blockBytes = 512;

/** What lies below a folder; what disappears meanwhile is not counted. */
export async function folderUsage(root: string): Promise<FolderUsage> {
  const seen = new Set<number>();
  let bytes = 0;
  let inodes = 0;
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      const stats = await lstat(path).catch(() => undefined);
      if (stats === undefined || (stats.nlink > 1 && seen.has(stats.ino))) continue;
      if (stats.nlink > 1) seen.add(stats.ino);
      bytes += stats.blocks * blockBytes;
      inodes++;
      if (entry.isDirectory()) await walk(path);
    }
  };
  await walk(root);
  return { bytes, inodes };
}
