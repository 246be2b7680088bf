import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Temporary file, fsync, rename: a reader, or a kill, sees the old file or the whole new one. */
export async function writeFileAtomically(
  path: string,
  content: string,
  mode: number,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  // Hidden and of another ending: whoever follows the folder passes it over.
  const draft = `${path}.draft`;
  const file = await open(draft, "w", mode);
  try {
    await file.chmod(mode);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
