/**
 * The supervisor: the small process that owns a node's containers, so that the CRI daemon above it
 * may be killed and started at will. It starts tapes, moves output to logs, and records exits. It
 * knows nothing of pods, images or networks, and it never decides that a container should run.
 */
import { mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SystemCallError } from "../linux/errno.ts";
import type { Kernel } from "../linux/kernel.ts";
import { readHost } from "../oci/host.ts";
import type { Logger } from "../telemetry/logger.ts";
import { serveConnection } from "./supervisor-connection.ts";
import { SupervisedContainers } from "./supervisor-containers.ts";
import { supervisorSocket } from "./supervisor-protocol.ts";
import { ContainerRecords } from "./supervisor-records.ts";

export interface SupervisorOptions {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records, FIFOs, lock and socket: /run/tskube/supervisor */
  readonly stateFolder: string;
}

/** Another supervisor has this state folder. */
export class AlreadySupervised extends Error {}

export interface RunningSupervisor {
  /** Stops serving; containers go on, and the next supervisor adopts them. */
  close(): Promise<void>;
}

/** Resolves when it serves. Rejects with AlreadySupervised when another one does. */
export async function runSupervisor(options: SupervisorOptions): Promise<RunningSupervisor> {
  const { kernel, clock, logger, stateFolder } = options;
  mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  lock(kernel, join(stateFolder, "lock"));
  // A tape enters namespaces of strangers while it shares our memory: nobody may look into it.
  kernel.call("prctl", [["PR_SET_DUMPABLE"], 0, 0, 0, 0], "PR_SET_DUMPABLE");
  const host = readHost();
  const containers = new SupervisedContainers({
    doors: { kernel, clock, cgroups: host.cgroup },
    host,
    records: new ContainerRecords(stateFolder),
    logger,
  });
  const server = createServer((socket) => serveConnection(socket, containers, logger));
  await listen(server, supervisorSocket(stateFolder));
  return { close: () => close(server) };
}

/** Held as long as we live: the kernel frees it however we end. */
function lock(kernel: Kernel, path: string): void {
  const LOCK_EX_NB = 2 | 4;
  const args = [["AT_FDCWD"], path, ["O_RDWR", "O_CREAT", "O_CLOEXEC"], 0o600] as const;
  const fd = kernel.call("openat", args, path);
  try {
    kernel.call("flock", [fd, LOCK_EX_NB], path);
  } catch (error) {
    const isTaken = error instanceof SystemCallError && error.code === "EAGAIN";
    throw isTaken ? new AlreadySupervised("another supervisor runs here", { cause: error }) : error;
  }
}

async function listen(server: Server, path: string): Promise<void> {
  // We hold the lock, so whoever made this socket is gone.
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });
