/**
 * tskube-supervisor STATE_FOLDER: owns the node's containers. Started by tskube-cri, which it
 * outlives. Imports little: every node has one for as long as it runs. Its log goes to stderr, one
 * JSON object a line; once it serves, it writes a line to descriptor 3 if that is open.
 */
import { closeSync, fstatSync, writeSync } from "node:fs";
import { chainOf } from "../../pkg/base/errors.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { AlreadySupervised, runSupervisor } from "../../pkg/cri/supervisor.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import { lineLogger } from "./line-logger.ts";

const readyDescriptor = 3;
const [stateFolder = "/run/tskube/supervisor"] = process.argv.slice(2);
const logger = lineLogger(systemClock, (line) => void process.stderr.write(`${line}\n`));

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

try {
  const supervisor = await runSupervisor({
    kernel: systemKernel(),
    clock: systemClock,
    logger,
    stateFolder,
  });
  // SIGHUP and SIGINT are for the terminal it was started from, not for the node's containers.
  for (const name of ["SIGHUP", "SIGINT"] as const) process.on(name, () => undefined);
  process.once("SIGTERM", () => {
    void supervisor.close();
    process.exit(0);
  });
  tellReady();
} catch (error) {
  // Who lost the race to start one connects to the winner.
  if (error instanceof AlreadySupervised) tellReady();
  else logger.error({ error: chainOf(error) }, "the supervisor cannot start");
  process.exit(error instanceof AlreadySupervised ? 0 : 1);
}
