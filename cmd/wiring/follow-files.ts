import { watch } from "node:fs";
import { dirname } from "node:path";
import { chainOf } from "../../pkg/base/errors.ts";
import { aborted } from "./aborted.ts";
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
  let changed = new AbortController();
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  const watchers = folders.map((folder) =>
    watch(folder, { persistent: false }, () => changed.abort()),
  );
  while (!signal.aborted) {
    await clock.sleep(checkMs, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
    await clock.sleep(settleMs, signal).catch(() => undefined);
    if (signal.aborted) break;
    changed = new AbortController();
    await readAgain().catch((error: unknown) =>
      logger.warn({ error: chainOf(error), paths }, "files that changed cannot be used"),
    );
  }
  for (const watcher of watchers) watcher.close();
  await aborted(signal);
}
