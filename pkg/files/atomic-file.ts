/**
 * Files that are there whole or not at all, whoever is killed when: what every room that writes
 * something down does in the same way. It knows no format and keeps nothing.
 */
import { mkdir, open, rename, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";

/** 0o600, unless others than the owner may read it. */
const modeDefault = 0o600;

/**
 * Replaces a file so that a crash at any instant leaves the old content or the new one: temporary
 * name in the same folder, fsync, rename, fsync of the folder. Makes the folder where it lacks.
 */
export async function writeFileAtomically(
  path: string,
  content: Uint8Array | string,
  mode: number = modeDefault,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", mode);
  try {
    // What an earlier run left here keeps its old mode: the mode is set before the content.
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(folder);
}

/** Makes renames in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder: FileHandle = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
