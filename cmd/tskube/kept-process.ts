import { readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

function outputFile(): string | undefined {
  try {
    const path = readlinkSync("/proc/self/fd/1");
    return statSync(path).isFile() ? path : undefined;
  } catch {
    return undefined;
  }
}

/** Temp and rename: a reader sees the whole record or none. */
export function keepThisProcess(runFolder: string): void {
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

export function readKept(runFolder: string): KeptProcess | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(runFolder), "utf8")) as KeptProcess;
  } catch {
    return undefined;
  }
}
