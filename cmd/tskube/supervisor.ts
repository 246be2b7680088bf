import { spawn } from "node:child_process";
import { closeSync, openSync, watch } from "node:fs";
import { dirname } from "node:path";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { openPidfd } from "../../pkg/linux/process.ts";
import { runSupervisorProgram, type SupervisorDoors } from "../wiring/supervising.ts";
import { readKept, type KeptProcess } from "./kept-process.ts";

const restartWaitMs = { first: 100, most: 5_000 } as const;
/** Who ran for so long has not failed at its start: the next wait is the first again. */
const settledMs = 30_000;

/**
 * `tskube supervisor STATE_FOLDER`: owns the containers, and starts `tskube up` again when it dies.
 */
export const supervisor = ([
  stateFolder = "/run/tskube/supervisor",
]: readonly string[]): Promise<void> =>
  runSupervisorProgram(stateFolder, (doors) => new Keeper(dirname(stateFolder), doors).follow());

class Keeper {
  readonly #runFolder: string;
  readonly #doors: SupervisorDoors;
  #watched: number | undefined;
  #waitMs: number = restartWaitMs.first;
  #startedAtMs = systemClock.monotonic();

  constructor(runFolder: string, doors: SupervisorDoors) {
    this.#runFolder = runFolder;
    this.#doors = doors;
  }

  /** Looks at the record now, and whenever it changes. */
  follow(): void {
    watch(this.#runFolder, () => this.#look());
    this.#look();
  }

  #look(): void {
    const kept = readKept(this.#runFolder);
    if (kept === undefined || kept.pid === this.#watched) return;
    this.#watched = kept.pid;
    this.#startedAtMs = systemClock.monotonic();
    const { kernel } = this.#doors;
    const pidfd = openPidfd(kernel, kept.pid);
    if (pidfd === undefined) return this.#ended(kept);
    const exit = kernel.onReadable(pidfd, () => {
      exit[Symbol.dispose]();
      closeSync(pidfd);
      this.#ended(kept);
    });
  }

  /** It ended. Unless it took its record back, that was no wish of its own. */
  #ended(kept: KeptProcess): void {
    if (readKept(this.#runFolder)?.pid !== kept.pid) return;
    const lived = systemClock.monotonic() - this.#startedAtMs;
    if (lived > settledMs) this.#waitMs = restartWaitMs.first;
    this.#doors.logger.warn(
      { pid: kept.pid, againInMs: this.#waitMs },
      "tskube up died; starting it again",
    );
    setTimeout(() => this.#start(kept), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, restartWaitMs.most);
  }

  #start(kept: KeptProcess): void {
    // Somebody else may have started it, or asked for it to be gone.
    if (readKept(this.#runFolder)?.pid !== kept.pid) return;
    const [program, ...args] = kept.command;
    const log = openSync(kept.log ?? "/dev/null", "a");
    const child = spawn(program, args, {
      cwd: kept.folder,
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.on("error", (error) =>
      this.#doors.logger.error({ error: error.message }, "tskube up does not start"),
    );
    child.unref();
    closeSync(log);
    // A child that dies before it has written its own record is noticed by its exit.
    child.on("exit", () => this.#ended(kept));
  }
}
