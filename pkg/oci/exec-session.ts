import { DescriptorReader } from "../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../linux/descriptor-writer.ts";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly, collectExit, signalProcess } from "../linux/process.ts";
import { resizeTerminal } from "../linux/terminal.ts";
import type { ExecSession } from "./exec-contract.ts";
import { OutputQueue } from "./output-queue.ts";
import type { SessionDescriptors } from "./exec-stdio.ts";

const SIGKILL = 9;

/** A started process as a session; it owns the descriptors. */
export function runSession(
  kernel: Kernel,
  { pid, pidfd }: { readonly pid: number; readonly pidfd: number },
  { stdin, stdout, stderr, terminal }: SessionDescriptors,
): ExecSession {
  const output = new OutputQueue((isFull) => {
    for (const reader of readers)
      if (isFull) reader.pause();
      else reader.resume();
  });
  let openReaders = 0;
  const read = (fd: number, stream: 1 | 2): DescriptorReader => {
    openReaders++;
    return new DescriptorReader(kernel, fd, {
      data: (data) => output.push({ stream, data }),
      end: () => {
        if (--openReaders === 0) output.end();
      },
    });
  };
  const readers = [read(stdout, 1), ...(stderr === undefined ? [] : [read(stderr, 2)])];
  const writer = stdin === undefined ? undefined : new DescriptorWriter(kernel, stdin);
  const end = watchExit(kernel, pidfd);
  return {
    pid,
    output,
    write: (data) => writer?.write(data) ?? Promise.resolve(),
    // A terminal has no end of input but the character that says so; closing would hang it up.
    closeStdin: () => (terminal === undefined ? writer?.end() : void writer?.write(endOfInput)),
    resize: (size) => {
      if (terminal !== undefined && end.isRunning()) resizeTerminal(kernel, terminal, size);
    },
    signal: (signal) => end.signal(signal),
    exitCode: end.exitCode,
    [Symbol.dispose]: () => {
      end.signal(SIGKILL);
      for (const reader of readers) reader.close();
      writer?.close();
    },
  };
}

/** Control-D. */
const endOfInput = new Uint8Array([4]);

/** The pidfd is open as long as the process is not collected, so a signal never goes astray. */
function watchExit(kernel: Kernel, pidfd: number) {
  let isRunning = true;
  const exitCode = new Promise<number>((resolve) => {
    const watch = kernel.onReadable(pidfd, () => {
      const code = collectExit(kernel, pidfd);
      if (code === undefined) return;
      isRunning = false;
      watch[Symbol.dispose]();
      closeQuietly(pidfd);
      resolve(code);
    });
  });
  return {
    exitCode,
    isRunning: () => isRunning,
    signal: (signal: number): void => {
      if (isRunning) signalProcess(kernel, pidfd, signal);
    },
  };
}
