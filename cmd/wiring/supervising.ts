import { closeSync, fstatSync, writeSync } from "node:fs";
import { chainOf } from "../../pkg/base/errors.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { AlreadySupervised, runSupervisor } from "../../pkg/cri/supervisor.ts";
import type { Kernel } from "../../pkg/linux/kernel.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import type { Logger } from "../../pkg/telemetry/logger.ts";
import { lineLogger } from "./line-logger.ts";

const readyDescriptor = 3;

/** The pipe of who started us; run by hand there is none, and 3 may be anything or nothing. */
function tellReady(): void {
  try {
    if (!fstatSync(readyDescriptor).isFIFO() && !fstatSync(readyDescriptor).isSocket()) return;
    writeSync(readyDescriptor, "ready\n");
    closeSync(readyDescriptor);
  } catch {
    // Nobody waits.
  }
}

export interface SupervisorDoors {
  readonly kernel: Kernel;
  readonly logger: Logger;
}

/**
 * Owns the node's containers until SIGTERM; they go on after it. Its log goes to stderr, one JSON
 * object a line; once it serves, it writes a line to descriptor 3 if that is open. `meanwhile`
 * starts when it serves.
 */
export async function runSupervisorProgram(
  stateFolder: string = "/run/tskube/supervisor",
  meanwhile: (doors: SupervisorDoors) => void = () => undefined,
): Promise<void> {
  const logger = lineLogger(systemClock, (line) => void process.stderr.write(`${line}\n`));
  const kernel = systemKernel();
  try {
    const supervisor = await runSupervisor({ kernel, clock: systemClock, logger, stateFolder });
    // SIGHUP and SIGINT are for the terminal it was started from, not for the node's containers.
    for (const name of ["SIGHUP", "SIGINT"] as const) process.on(name, () => undefined);
    process.once("SIGTERM", () => {
      void supervisor.close();
      process.exit(0);
    });
    tellReady();
    meanwhile({ kernel, logger });
  } catch (error) {
    // Who lost the race to start one connects to the winner.
    if (error instanceof AlreadySupervised) tellReady();
    else logger.error({ error: chainOf(error) }, "the supervisor cannot start");
    process.exit(error instanceof AlreadySupervised ? 0 : 1);
  }
}
