/**
 * pkg/linux is the one door to the kernel: system calls by number through Node's own FFI and a
 * hundred and sixty bytes of machine code. It knows Linux and nothing of containers or pods;
 * who needs the kernel takes a `Kernel` as a parameter. It never touches the cgroup it runs in,
 * and never leaves a namespace switched after a call returns.
 */
import { SystemCallError } from "./errno.ts";
import type { Architecture, SyscallName } from "./syscall-numbers.ts";
import type { Argument, Syscall } from "./syscall.ts";

/** What came out of a tape that was played. */
export interface Played {
  /** The result of the call named `as`; negative is −errno (only of calls that may fail). */
  result(as: string): number;
  /** What the kernel wrote into the room named `out`. */
  bytes(out: string): Buffer;
  /** Calls that failed although they were allowed to, in order. */
  readonly failures: readonly Failure[];
}

export interface Failure {
  readonly step: Syscall;
  readonly errno: number;
}

/** A new process, played up to its execve(2). */
export interface Spawned extends Played {
  readonly pid: number;
  /** Readable when the process has ended. Closed by the caller. */
  readonly pidfd: number;
}

export interface SpawnOptions {
  /** CLONE_NEW* of the new process, and CLONE_INTO_CGROUP with `cgroup`. */
  readonly namespaces: readonly ("pid" | "mount" | "uts" | "ipc" | "network" | "user")[];
  /** Descriptor of a cgroup v2 folder to be born in. */
  readonly cgroup?: number;
  /** Namespace descriptor (pid) whose member the new process becomes. */
  readonly joinPid?: number;
}

export interface Kernel {
  readonly architecture: Architecture;
  /** Performs one call on this thread. Throws SystemCallError; `what` names its object. */
  call(name: SyscallName, args: readonly Argument[], what?: string): number;
  /** Performs calls in order on this thread, without JavaScript between them. Throws likewise. */
  play(steps: readonly Syscall[]): Played;
  /**
   * Plays `steps` in a new process; returns when it has exec'd. Throws SystemCallError naming the
   * step that failed, after the process is gone and reaped.
   */
  spawn(options: SpawnOptions, steps: readonly Syscall[]): Spawned;
  /**
   * Calls back when `fd` is readable or hung up, until disposed. Keeps the process alive. The
   * descriptor is made non-blocking and stays the caller's: dispose first, then close.
   */
  onReadable(fd: number, callback: () => void): Disposable;
  /** The same for writable. */
  onWritable(fd: number, callback: () => void): Disposable;
}

/** "mount /proc: EBUSY": the failing step, its object, the errno's name. */
export function stepError(step: Syscall, errno: number): SystemCallError {
  const object = step.args.find((argument) => typeof argument === "string" && argument !== "");
  return new SystemCallError(step.call, typeof object === "string" ? object : "", errno);
}
