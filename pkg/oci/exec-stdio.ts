import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly } from "../linux/process.ts";
import { openSocketPair, receiveDescriptor } from "../linux/terminal.ts";
import type { StdioPlan } from "./container-plan.ts";

/** Our ends of a process's input and output. */
export interface SessionDescriptors {
  readonly stdin?: number;
  readonly stdout: number;
  /** Absent with a terminal, which has but one output. */
  readonly stderr?: number;
  readonly terminal?: number;
}

/** Descriptors made before the process, and what becomes of them. */
export interface PreparedStdio {
  readonly plan: StdioPlan;
  /** Our ends, once the process has started. */
  take(): SessionDescriptors;
  /** Our ends, when it has not. */
  cancel(): void;
  /** The process's ends: it has its own by then, or never will. */
  closeTheirs(): void;
}

const F_DUPFD_CLOEXEC = 1030;

export function pipeStdio(kernel: Kernel, hasStdin: boolean): PreparedStdio {
  const [outRead, outWrite] = openPipe(kernel);
  const [errRead, errWrite] = openPipe(kernel);
  const [inRead, inWrite] = hasStdin ? openPipe(kernel) : [openNull(kernel), undefined];
  return {
    plan: {
      as: "descriptors",
      stdin: inRead,
      stdout: outWrite,
      stderr: errWrite,
      given: hasStdin ? [0, 1, 2] : [1, 2],
    },
    take: () => ({
      ...(inWrite === undefined ? {} : { stdin: inWrite }),
      stdout: outRead,
      stderr: errRead,
    }),
    cancel: () => {
      for (const fd of [outRead, errRead]) closeQuietly(fd);
      if (inWrite !== undefined) closeQuietly(inWrite);
    },
    closeTheirs: () => [inRead, outWrite, errWrite].forEach(closeQuietly),
  };
}

/** The tape makes the terminal in the container's devpts and sends it to us over a socket. */
export function terminalStdio(
  kernel: Kernel,
  size: { readonly width: number; readonly height: number },
  hasStdin: boolean,
): PreparedStdio {
  const [ours, theirs] = openSocketPair(kernel);
  return {
    plan: { as: "terminal", socket: theirs, ...size },
    take: () => {
      const terminal = receiveDescriptor(kernel, ours);
      closeQuietly(ours);
      // Each descriptor is watched for one thing, so input has one of its own.
      const copy = (): number => kernel.call("fcntl", [terminal, F_DUPFD_CLOEXEC, 3], "terminal");
      return { ...(hasStdin ? { stdin: copy() } : {}), stdout: terminal, terminal };
    },
    cancel: () => closeQuietly(ours),
    closeTheirs: () => closeQuietly(theirs),
  };
}

/** [for reading, for writing]; only our end will be non-blocking, when it is watched. */
function openPipe(kernel: Kernel): readonly [number, number] {
  const ends = kernel
    .play([
      {
        call: "pipe2",
        args: [{ out: "ends", bytes: 8 }, ["O_CLOEXEC"]],
        because: "between the process and us",
      },
    ])
    .bytes("ends");
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

const openNull = (kernel: Kernel): number =>
  kernel.call("openat", [["AT_FDCWD"], "/dev/null", ["O_RDONLY", "O_CLOEXEC"]], "/dev/null");
