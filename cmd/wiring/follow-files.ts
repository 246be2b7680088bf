import { dirname } from "node:path";
import { chainOf } from "../../pkg/base/errors.ts";
import { FolderNotices } from "../../pkg/files/folder-notices.ts";
import type { Doors } from "./doors.ts";

/** What changes a file may have several steps to do: a key first, then its certificate. */
const settleMs = 200;
/** Where the file system tells of no change. */
const checkMs = 60_000;

/**
 * Reads the files again whenever something changes in their folders, and now and then, until the
 * signal aborts. A failure is logged: half-written pairs are seen again when the other half is
 * there.
 */
export async function followFiles(
  paths: readonly string[],
  readAgain: () => Promise<void>,
  { clock, logger }: Pick<Doors, "clock" | "logger">,
  signal: AbortSignal,
): Promise<void> {
  using notices = new FolderNotices([...new Set(paths.map((path) => dirname(path)))]);
  while (!signal.aborted) {
    const wait = AbortSignal.any([signal, notices.next()]);
    await clock.sleep(checkMs, wait).catch(() => undefined);
    await clock.sleep(settleMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await readAgain().catch((error: unknown) =>
      logger.warn({ error: chainOf(error), paths }, "files that changed cannot be used"),
    );
  }
}
