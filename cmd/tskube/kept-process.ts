import { readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { endProcess, isAlive } from "../wiring/end-process.ts";
import { ownProgram } from "../wiring/sibling-program.ts";

/**
 * What `tskube up` writes down of itself while it wants to be running: the supervisor, which is
 * there for the containers anyway, starts it again when it dies without having taken this back.
 */
export interface KeptProcess {
  readonly pid: number;
  readonly command: readonly [program: string, ...args: string[]];
  readonly folder: string;
  /** Where its output went, when that is a file. */
  readonly log?: string;
}

const fileOf = (runFolder: string): string => join(runFolder, "up.json");
/** The record of a process that is being ended for good: nobody starts it again. */
const endingFileOf = (runFolder: string): string => join(runFolder, "ending.json");

function outputFile(): string | undefined {
  try {
    const path = readlinkSync("/proc/self/fd/1");
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

/** A pid may have been given to somebody else since: its last word tells. */
export function runs({ pid, command }: KeptProcess): boolean {
  if (pid === process.pid || !isAlive(pid)) return false;
  const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  return words.at(-1) === command.at(-1);
}

/**
 * Temp and rename: a reader sees the whole record or none. Throws where another process keeps this
 * folder: each of the two would take what the other has.
 */
export function keepThisProcess(runFolder: string): void {
  const other = readKept(runFolder);
  if (other !== undefined && runs(other))
    throw new Error(`pid ${other.pid} runs here already (${fileOf(runFolder)})`);
  const log = outputFile();
  const kept: KeptProcess = {
    pid: process.pid,
    command: [...ownProgram(process.argv[2] ?? "up"), ...process.argv.slice(3)],
    folder: process.cwd(),
    ...(log === undefined ? {} : { log }),
  };
  const draft = `${fileOf(runFolder)}.draft`;
  writeFileSync(draft, JSON.stringify(kept), { mode: 0o600 });
  renameSync(draft, fileOf(runFolder));
}

export const letGo = (runFolder: string): void => rmSync(fileOf(runFolder), { force: true });

export const readKept = (runFolder: string): KeptProcess | undefined =>
  readRecord(fileOf(runFolder));

function readRecord(file: string): KeptProcess | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as KeptProcess;
  } catch {
    return undefined;
  }
}

/** From its start a process writes its record within this. */
const restartSettlesMs = 1_500;

/**
 * Ends the process for good, and whichever took its place meanwhile. The record is moved aside
 * until then: who is killed here and runs again still knows whom to end.
 */
export async function endKept(runFolder: string, onEnded: (pid: number) => void): Promise<void> {
  for (;;) {
    const isKept = readKept(runFolder) !== undefined;
    if (isKept) renameSync(fileOf(runFolder), endingFileOf(runFolder));
    const ending = readRecord(endingFileOf(runFolder));
    if (ending === undefined) return;
    if (runs(ending)) {
      await endProcess(ending.pid);
      onEnded(ending.pid);
    } else if (isKept) {
      // The supervisor may have started the next one, which has not written its own record yet.
      await systemClock.sleep(restartSettlesMs);
    }
    rmSync(endingFileOf(runFolder), { force: true });
  }
}
