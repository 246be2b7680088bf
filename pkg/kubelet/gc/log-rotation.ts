import { rename, rm, stat } from "node:fs/promises";
import { logFiles } from "../server/log-reader.ts";

/** A log is rotated when it is larger than this … */
const logBytesMax = 10 * 1024 * 1024;
/** … and this many files of it are kept, the one that is written among them. */
const logFilesMax = 5;

/** 20260102-030405: sorts as time does. */
const stampOf = (ms: number): string =>
  new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");

/**
 * Renames a log that has grown too large and has the runtime begin a new one. When the runtime
 * does not, the name is given back: no line may be lost. Returns whether it was rotated.
 */
export async function rotateLog(
  path: string,
  nowMs: number,
  reopen: () => Promise<unknown>,
): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size < logBytesMax) return false;
  const rotated = `${path}.${stampOf(nowMs)}`;
  await rename(path, rotated);
  try {
    await reopen();
  } catch (cause) {
    await rename(rotated, path);
    throw new Error(`reopen log ${path}`, { cause });
  }
  const files = await logFiles(path);
  for (const file of files.slice(0, Math.max(0, files.length - logFilesMax)))
    await rm(file, { force: true });
  return true;
}
