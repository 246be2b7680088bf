import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseZombieExit } from "../linux/process.ts";
import type { ContainerStdio, Exit } from "./supervisor-contract.ts";

/** What a new supervisor needs to know of a container that an old one started. */
export interface ContainerRecord {
  readonly id: string;
  /** Otherwise its processes outlive its first one, and have to be ended by its cgroup. */
  readonly hasOwnPids: boolean;
  readonly stdio: ContainerStdio;
  readonly cgroup: string;
  /** Absent while it is being started: such a start was never acknowledged. */
  readonly process?: {
    readonly pid: number;
    /** Field 22 of /proc/<pid>/stat: tells it from a later process with the same pid. */
    readonly startTicks: string;
    readonly startedAtMs: number;
  };
  /** Who holds the container's terminal beside us. */
  readonly keeper?: { readonly pid: number; readonly startTicks: string };
  readonly exit?: Exit;
}

/** The FIFOs of a container, below the supervisor's state folder. */
export const fifoPaths = (stateFolder: string, id: string) => ({
  out: join(stateFolder, "containers", id, "out"),
  err: join(stateFolder, "containers", id, "err"),
});

/**
 * One folder a container, below the supervisor's: a file for each state that it has reached, and
 * the FIFOs in, out, err. Written to a temporary file and renamed, so that every state is a whole
 * one. Each has a name of its own: ext4 writes what replaces a file to the disk at once, and who
 * removes the folder would have to wait for that.
 */
export class ContainerRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = join(folder, "containers");
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** Refuses an id that would be a path. */
  folder(id: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id)) throw new Error(`bad container id ${id}`);
    return join(this.#folder, id);
  }

  create(record: ContainerRecord): void {
    mkdirSync(this.folder(record.id), { mode: 0o700 });
    this.write(record);
  }

  write(record: ContainerRecord): void {
    const path = join(this.folder(record.id), `${stateOf(record)}.json`);
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  remove(id: string): void {
    rmSync(this.folder(id), { recursive: true, force: true });
  }

  /** All that are whole; a folder without a state was never started and goes. */
  readAll(): readonly ContainerRecord[] {
    return readdirSync(this.#folder).flatMap((id) => {
      const record = this.#read(id);
      if (record === undefined) this.remove(id);
      return record === undefined ? [] : [record];
    });
  }

  /** The last state that it has reached. */
  #read(id: string): ContainerRecord | undefined {
    for (const state of states) {
      const record = this.#readState(id, state);
      if (record !== undefined) return record;
    }
    return undefined;
  }

  #readState(id: string, state: State): ContainerRecord | undefined {
    try {
      const text = readFileSync(join(this.folder(id), `${state}.json`), "utf8");
      return JSON.parse(text) as ContainerRecord;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw new Error(`read the record of container ${id}`, { cause: error });
    }
  }
}

/** The last one first. */
const states = ["exited", "running", "created"] as const;
type State = (typeof states)[number];

const stateOf = ({ exit, process }: ContainerRecord): State =>
  exit !== undefined ? "exited" : process !== undefined ? "running" : "created";

/** Field 22 of a line of /proc/<pid>/stat; the second field may hold spaces and brackets. */
export const parseStartTicks = (stat: string): string =>
  stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";

/** How a process ended that nobody has collected yet; undefined when it is not there so. */
export function zombieExit(process: {
  readonly pid: number;
  readonly startTicks: string;
}): number | undefined {
  try {
    const stat = readFileSync(`/proc/${process.pid}/stat`, "utf8");
    return parseStartTicks(stat) === process.startTicks ? parseZombieExit(stat) : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined when there is no such process. */
export function startTicks(pid: number): string | undefined {
  try {
    return parseStartTicks(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}
