import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../pkg/base/system-clock.ts";

const graceMs = 5_000;
const pollMs = 20;

/** A zombie has ended: that nobody has collected it yet is its parent's business. */
export function isAlive(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.[0];
    return state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Sends the signal; a process that has just ended needs none. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended between the look and the signal.
  }
}

/** Ends a process in peace, or after its grace by force. */
export async function endProcess(pid: number): Promise<void> {
  if (!isAlive(pid)) return;
  sendSignal(pid, "SIGTERM");
  const until = systemClock.monotonic() + graceMs;
  while (isAlive(pid) && systemClock.monotonic() < until) await systemClock.sleep(pollMs);
  if (isAlive(pid)) sendSignal(pid, "SIGKILL");
  while (isAlive(pid)) await systemClock.sleep(pollMs);
}

/** Ends the supervisor of a state folder. It outlives who started it, so it is looked for. */
export async function endSupervisor(stateFolder: string): Promise<void> {
  for (const pid of processesWith(stateFolder)) await endProcess(pid);
}

/** Processes, but for us, of which one argument is the folder: only a supervisor's is. */
const processesWith = (folder: string): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => argumentsOf(name).includes(folder))
    .map(Number);

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has just ended.
    return [];
  }
}
