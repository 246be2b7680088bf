import { closeSync } from "node:fs";
import { SystemCallError } from "./errno.ts";
import type { Kernel } from "./kernel.ts";

/** waitid(2)'s si_code: how a process ended. */
const CLD_EXITED = 1;
/** linux/pidfd.h: _IOWR(0xff, 11, struct pidfd_info), asking for the exit code (Linux 6.15). */
const pidfdGetInfo = 0xc040_ff0b;
const pidfdInfoExit = 8n;

/**
 * Collects a child of ours that has ended. 0–255; 128 + signal when killed; undefined while it
 * still runs.
 */
export function collectExit(kernel: Kernel, pidfd: number): number | undefined {
  const played = kernel.play([
    {
      call: "waitid",
      args: [["P_PIDFD"], pidfd, { out: "info", bytes: 128 }, ["WEXITED", "WNOHANG"], 0],
      because: "the kernel keeps a child's exit until its parent asks",
    },
  ]);
  const info = played.bytes("info");
  const status = info.readInt32LE(24);
  if (info.readInt32LE(16) === 0) return undefined;
  return info.readInt32LE(8) === CLD_EXITED ? status : 128 + status;
}

/**
 * The exit of a process that is not our child, after its end. Undefined where the kernel cannot
 * tell (before Linux 6.15) or it has not been collected by its parent yet.
 */
export function foreignExit(kernel: Kernel, pidfd: number): number | undefined {
  const request = Buffer.alloc(64);
  request.writeBigUInt64LE(pidfdInfoExit);
  const played = kernel.play([
    {
      call: "ioctl",
      args: [pidfd, pidfdGetInfo, { out: "info", bytes: 64, from: request }],
      because: "another's child: only its pidfd knows",
      as: "asked",
      may: "fail",
    },
  ]);
  const info = played.bytes("info");
  if (played.result("asked") < 0 || (info.readBigUInt64LE() & pidfdInfoExit) === 0n) {
    return undefined;
  }
  return exitCodeOf(info.readInt32LE(60));
}

/** waitpid(2)'s status word as an exit code: 0–255, or 128 + signal. */
const exitCodeOf = (status: number): number =>
  (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);

/**
 * The exit in a line of /proc/<pid>/stat (field 52), if the process has ended and its parent has
 * not collected it yet; undefined otherwise. Fields are counted behind the name in brackets.
 */
export function parseZombieExit(stat: string): number | undefined {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? exitCodeOf(Number(fields[49])) : undefined;
}

/** A pidfd of any process; undefined when there is none with this pid. */
export function openPidfd(kernel: Kernel, pid: number): number | undefined {
  try {
    return kernel.call("pidfd_open", [pid, 0], String(pid));
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ESRCH") return undefined;
    throw error;
  }
}

/** False when the process has ended. */
export function signalProcess(kernel: Kernel, pidfd: number, signal: number): boolean {
  try {
    kernel.call("pidfd_send_signal", [pidfd, signal, 0, 0]);
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ESRCH") return false;
    throw error;
  }
}

/** Closes quietly what may have been closed. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Nothing holds it any more, which is what was wanted.
  }
}
