import { createReadStream, createWriteStream } from "node:fs";
import { lstat, mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import type { LocalEntry } from "../../pkg/kubectl/command.ts";

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** A file, or a folder with all below it, named as `name`; links and devices are left out. */
export async function* readTree(path: string, name: string): AsyncGenerator<LocalEntry> {
  const found = await lstat(path);
  const kind = found.isDirectory() ? "folder" : found.isFile() ? "file" : "other";
  if (kind === "other") return;
  const entry = {
    name,
    kind,
    mode: found.mode & 0o777,
    sizeBytes: kind === "file" ? found.size : 0,
    modifiedSeconds: found.mtimeMs / 1000,
  } as const;
  yield { entry, content: kind === "file" ? createReadStream(path) : nothing() };
  if (kind !== "folder") return;
  for (const inner of (await readdir(path)).toSorted())
    yield* readTree(`${path}/${inner}`, `${name}/${inner}`);
}

export async function writeEntry(path: string, { entry, content }: LocalEntry): Promise<void> {
  if (entry.kind === "folder") {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  await pipeline(content, createWriteStream(path, { mode: entry.mode & 0o777 }));
}
