import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly, openPidfd, signalProcess } from "../linux/process.ts";
import type { Syscall } from "../linux/syscall.ts";
import { pauseProgram } from "../oci/pause-program.ts";
import { planStaticExec } from "../oci/static-exec-plan.ts";
import { startTicks } from "./supervisor-records.ts";

/**
 * A process of two hundred bytes that holds our side of a container's terminal and does nothing.
 * A terminal whose other side closes hangs up on its container; with a keeper, a supervisor may
 * die, and the next one takes the descriptor over.
 */
export interface KeeperRecord {
  readonly pid: number;
  readonly startTicks: string;
}

/** Where the keeper has the terminal. */
const keptDescriptor = 3;
const SIGKILL = 9;

/** Starts a keeper. It is a child of ours that ends when it is released. */
export function keepTerminal(kernel: Kernel, terminal: number): KeeperRecord {
  const program = pauseProgram(kernel.architecture);
  const { pid, pidfd } = kernel.spawn({ namespaces: [] }, planKeeper(program, terminal));
  closeQuietly(pidfd);
  return { pid, startTicks: startTicks(pid) ?? "" };
}

function planKeeper(program: Uint8Array, terminal: number): readonly Syscall[] {
  const nothing = { result: "nothing" };
  const keep: Syscall =
    terminal === keptDescriptor
      ? { call: "fcntl", args: [terminal, ["F_SETFD"], 0], because: "to be kept" }
      : { call: "dup3", args: [terminal, keptDescriptor, 0], because: "to be kept" };
  return [
    { call: "setsid", args: [], because: "no terminal's signals reach it" },
    keep,
    {
      call: "openat",
      args: [["AT_FDCWD"], "/dev/null", ["O_RDWR"]],
      because: "it has nothing to say",
      as: "nothing",
    },
    ...[0, 1, 2].map((descriptor): Syscall => ({
      call: "dup3",
      args: [nothing, descriptor, 0],
      because: "it has nothing to say",
    })),
    {
      call: "close_range",
      args: [keptDescriptor + 1, 0xffff_ffff, 0],
      because: "it holds the terminal and nothing else of ours",
    },
    ...planStaticExec("tskube-terminal-keeper", program),
  ];
}

/** The terminal that a keeper of an earlier supervisor holds; undefined when it is gone. */
export function regainTerminal(kernel: Kernel, keeper: KeeperRecord): number | undefined {
  const pidfd = openKeeper(kernel, keeper);
  if (pidfd === undefined) return undefined;
  try {
    return kernel.call("pidfd_getfd", [pidfd, keptDescriptor, 0], "terminal");
  } finally {
    closeQuietly(pidfd);
  }
}

/** The container has ended. A child of ours is collected; another's is its new parent's. */
export function releaseKeeper(kernel: Kernel, keeper: KeeperRecord): void {
  const pidfd = openKeeper(kernel, keeper);
  if (pidfd === undefined) return;
  signalProcess(kernel, pidfd, SIGKILL);
  kernel.play([
    {
      call: "waitid",
      args: [["P_PIDFD"], pidfd, 0, ["WEXITED"], 0],
      because: "it ends at once",
      may: ["ECHILD"],
    },
    { call: "close", args: [pidfd], because: "nobody will ask for it" },
  ]);
}

function openKeeper(kernel: Kernel, { pid, startTicks: ticks }: KeeperRecord): number | undefined {
  const pidfd = openPidfd(kernel, pid);
  if (pidfd !== undefined && startTicks(pid) === ticks) return pidfd;
  if (pidfd !== undefined) closeQuietly(pidfd);
  return undefined;
}
