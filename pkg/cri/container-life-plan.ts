/** How a container's record follows what the supervisor says. Pure. */
import type { ContainerEnd, ContainerLife, ContainerRecord } from "./records.ts";
import type { Exit, RunningContainer } from "./supervisor-contract.ts";

/** What is reported of a process whose end nobody saw: never success. */
const unseenExitCode = 255;

export function endOf(exit: Exit): ContainerEnd {
  const { exitCode, startedAtMs, finishedAtMs } = exit;
  if (exitCode === undefined) return unseenEnd(startedAtMs, finishedAtMs);
  const reason = exit.oomKilled ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error";
  return { at: "exited", startedAtMs, finishedAtMs, exitCode, reason, message: "" };
}

export const unseenEnd = (startedAtMs: number, finishedAtMs: number): ContainerEnd => ({
  at: "exited",
  startedAtMs,
  finishedAtMs,
  exitCode: unseenExitCode,
  reason: "Unknown",
  message: "the process ended while nothing was there to see how",
});

export interface Known {
  readonly running: readonly RunningContainer[];
  readonly exited: readonly Exit[];
}

export interface Recovered {
  readonly record: ContainerRecord;
  readonly life: ContainerLife;
}

/**
 * After a restart of the daemon: a container may have started without its record saying so, ended
 * while nobody listened, or gone without a trace. Only what differs is returned.
 */
export function planRecovery(
  records: readonly ContainerRecord[],
  known: Known,
): readonly Recovered[] {
  const running = new Map(known.running.map((each) => [each.id, each]));
  const exited = new Map(known.exited.map((each) => [each.id, each]));
  return records.flatMap((record): readonly Recovered[] => {
    const { life } = record;
    if (life.at === "exited") return [];
    const exit = exited.get(record.id);
    if (exit !== undefined) return [{ record, life: endOf(exit) }];
    const now = running.get(record.id);
    if (now !== undefined) {
      const { pid, startedAtMs } = now;
      const isSame = life.at === "running" && life.pid === pid;
      return isSame ? [] : [{ record, life: { at: "running", pid, startedAtMs } }];
    }
    if (life.at === "created") return [];
    return [{ record, life: unseenEnd(life.startedAtMs, life.startedAtMs) }];
  });
}
