import { constants, openSync } from "node:fs";
import { join } from "node:path";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly } from "../linux/process.ts";
import { openSocketPair, receiveDescriptor } from "../linux/terminal.ts";
import type { StdioPlan } from "../oci/container-plan.ts";
import type { ContainerStdio } from "./supervisor-contract.ts";

/** Our ends of a container's input and output. */
export interface Streams {
  readonly stdin?: number;
  readonly stdout: number;
  /** Absent with a terminal, which has but one output. */
  readonly stderr?: number;
  /** The terminal that can be resized. */
  readonly terminal?: number;
}

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;
const F_DUPFD_CLOEXEC = 1030;

/** The streams of a container that is about to start. */
export interface PreparedStreams {
  readonly plan: StdioPlan;
  /** Our ends, once the container has started. */
  take(): Streams;
  /** When it has not. */
  cancel(): void;
}

export const prepareStreams = (
  kernel: Kernel,
  folder: string,
  stdio: ContainerStdio,
  size: TerminalSize,
): PreparedStreams =>
  stdio.tty ? prepareTerminal(kernel, stdio, size) : prepareFifos(kernel, folder, stdio);

export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

function prepareFifos(kernel: Kernel, folder: string, stdio: ContainerStdio): PreparedStreams {
  makeFifos(kernel, folder, stdio);
  const streams = openFifos(folder, stdio);
  return {
    plan: fifoPlan(folder, stdio),
    take: () => streams,
    cancel: () => [streams.stdin, streams.stdout, streams.stderr].forEach(closeIfOpen),
  };
}

const closeIfOpen = (fd: number | undefined): void => {
  if (fd !== undefined) closeQuietly(fd);
};

/** S_IFIFO, for its owner alone: the user of the container's first process. */
const fifoMode = 0o010600;

function makeFifos(kernel: Kernel, folder: string, stdio: ContainerStdio): void {
  const names = ["out", "err", ...(stdio.stdin ? ["in"] : [])];
  for (const name of names) {
    const path = join(folder, name);
    kernel.call("mknodat", [["AT_FDCWD"], path, fifoMode, 0], path);
  }
}

/**
 * Our ends, also of a container that an earlier supervisor started. Opened before the container
 * opens its own, or a container that reads its input would wait for a writer for ever.
 */
export function openFifos(folder: string, stdio: ContainerStdio): Streams {
  const open = (name: string, access: number): number =>
    openSync(join(folder, name), access | O_NONBLOCK);
  return {
    // For both directions: a FIFO without a reader yet cannot be opened for writing alone.
    ...(stdio.stdin ? { stdin: open("in", O_RDWR) } : {}),
    stdout: open("out", O_RDONLY),
    stderr: open("err", O_RDONLY),
  };
}

/**
 * The container's own ends. It holds its output for both directions, so that without a supervisor
 * writing neither fails nor, until the FIFO is full, waits. Its input too, unless it must end
 * with the first client: then only a supervisor's death ends it early.
 */
const fifoPlan = (folder: string, stdio: ContainerStdio): StdioPlan => ({
  as: "files",
  given: stdio.stdin ? [0, 1, 2] : [1, 2],
  stdin: stdio.stdin
    ? { path: join(folder, "in"), access: stdio.stdinOnce ? "O_RDONLY" : "O_RDWR" }
    : { path: "/dev/null", access: "O_RDONLY" },
  stdout: { path: join(folder, "out"), access: "O_RDWR" },
  stderr: { path: join(folder, "err"), access: "O_RDWR" },
});

/** The container's tape makes the terminal and sends it to us over a socket. */
function prepareTerminal(
  kernel: Kernel,
  { stdin }: ContainerStdio,
  size: TerminalSize,
): PreparedStreams {
  const [ours, theirs] = openSocketPair(kernel);
  const close = (): void => [ours, theirs].forEach(closeQuietly);
  return {
    plan: { as: "terminal", socket: theirs, ...size },
    take: () => {
      const terminal = receiveDescriptor(kernel, ours);
      close();
      return terminalStreams(kernel, terminal, stdin);
    },
    cancel: close,
  };
}

/** Each descriptor is watched for one thing, so input has one of its own. */
export function terminalStreams(kernel: Kernel, terminal: number, hasStdin: boolean): Streams {
  const copy = (): number => kernel.call("fcntl", [terminal, F_DUPFD_CLOEXEC, 3], "terminal");
  return { ...(hasStdin ? { stdin: copy() } : {}), stdout: terminal, terminal };
}
