import type { Clock } from "../base/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Storage } from "./storage.ts";

/**
 * How long a list's continue token and a watch that was interrupted stay good; upstream's five
 * minutes.
 */
export const historyMs = 300_000;

export interface CompactorOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Forgets, every `historyMs`, what is older than that: the revision compacted is the one that was
 * newest one round before. Any number of servers may do so on one store. Ends with the signal.
 */
export async function runCompactor(
  { storage, clock, logger }: CompactorOptions,
  signal: AbortSignal,
): Promise<void> {
  let before: number | undefined;
  while (!signal.aborted) {
    try {
      const now = await storage.revision(signal);
      if (before !== undefined) await storage.compact(before, signal);
      before = now;
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ error }, "compaction failed, it is tried again next time");
    }
    await clock.sleep(historyMs, signal).catch(() => undefined);
  }
}
