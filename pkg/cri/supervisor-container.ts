import type { Clock } from "../base/clock.ts";
import { killCgroup, oomKills, signalCgroup } from "../linux/cgroup.ts";
import type { CgroupHost } from "../linux/cgroup-host.ts";
import { DescriptorReader } from "../linux/descriptor-reader.ts";
import { DescriptorWriter } from "../linux/descriptor-writer.ts";
import type { Kernel } from "../linux/kernel.ts";
import { closeQuietly, collectExit, foreignExit, signalProcess } from "../linux/process.ts";
import { resizeTerminal } from "../linux/terminal.ts";
import type { Exit } from "./supervisor-contract.ts";
import { ContainerLog } from "./supervisor-log.ts";
import { zombieExit, type ContainerRecord } from "./supervisor-records.ts";
import type { Streams } from "./supervisor-streams.ts";

export interface ContainerDoors {
  readonly kernel: Kernel;
  readonly cgroups: CgroupHost;
  readonly clock: Clock;
}

export type StartedRecord = ContainerRecord & {
  readonly process: NonNullable<ContainerRecord["process"]>;
};

export type OutputListener = (stream: 1 | 2, data: Uint8Array) => void;

export interface LiveProcess {
  readonly pidfd: number;
  /** Our own child; otherwise one that an earlier supervisor started. */
  readonly isOurs: boolean;
  readonly streams: Streams;
}

/** How long an adopted process's new parent may take to collect it, so that its exit is known. */
const collectTriesMax = 50;
const collectWaitMs = 10;

/** One running container: its output flows, its exit is seen, whoever started it. */
export class SupervisedContainer {
  readonly record: StartedRecord;
  readonly #doors: ContainerDoors;
  readonly #process: LiveProcess;
  readonly #onExit: (exit: Exit) => void;
  readonly #log: ContainerLog;
  readonly #listeners = new Set<OutputListener>();
  readonly #outputs: readonly DescriptorReader[];
  readonly #input: DescriptorWriter | undefined;
  readonly #watch: Disposable;

  constructor(
    doors: ContainerDoors,
    record: StartedRecord,
    process: LiveProcess,
    onExit: (exit: Exit) => void,
  ) {
    const { kernel } = doors;
    const { stdin, stdout, stderr } = process.streams;
    this.#doors = doors;
    this.record = record;
    this.#process = process;
    this.#onExit = onExit;
    this.#log = new ContainerLog(record.stdio.logPath, doors.clock);
    const pump = (fd: number, stream: 1 | 2): DescriptorReader =>
      new DescriptorReader(kernel, fd, { data: (chunk) => this.#onOutput(stream, chunk) });
    this.#outputs = [pump(stdout, 1), ...(stderr === undefined ? [] : [pump(stderr, 2)])];
    this.#input = stdin === undefined ? undefined : new DescriptorWriter(kernel, stdin);
    this.#watch = kernel.onReadable(process.pidfd, () => this.#onEnd());
  }

  listen(listener: OutputListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Resolves when the container's end took it. */
  async write(data: Uint8Array): Promise<void> {
    await this.#input?.write(data);
  }

  /** The first client's input has ended; a terminal's never does. */
  endInput(): void {
    if (this.record.stdio.stdinOnce && !this.record.stdio.tty) this.#input?.end();
  }

  resize(size: { readonly width: number; readonly height: number }): void {
    const { terminal } = this.#process.streams;
    if (terminal === undefined) throw new Error("the container has no terminal");
    resizeTerminal(this.#doors.kernel, terminal, size);
  }

  reopenLog(): void {
    this.#log.reopen();
  }

  signal(signal: number, toAll: boolean): void {
    const { kernel, cgroups } = this.#doors;
    if (!toAll) signalProcess(kernel, this.#process.pidfd, signal);
    else if (signal === 9) killCgroup(kernel, cgroups, this.record.cgroup);
    else signalCgroup(kernel, cgroups, this.record.cgroup, signal);
  }

  #onOutput(stream: 1 | 2, chunk: Uint8Array): void {
    this.#log.write(stream === 1 ? "stdout" : "stderr", chunk);
    for (const listener of this.#listeners) listener(stream, chunk);
  }

  #onEnd(): void {
    const { kernel } = this.#doors;
    const { pidfd, isOurs } = this.#process;
    if (isOurs) {
      const exitCode = collectExit(kernel, pidfd);
      if (exitCode === undefined) return;
      this.#watch[Symbol.dispose]();
      return this.#finish(exitCode);
    }
    this.#watch[Symbol.dispose]();
    this.#askForExit(collectTriesMax);
  }

  /** /proc tells it until its parent, some init, has collected it; from then on the pidfd does. */
  #askForExit(triesLeft: number): void {
    const exitCode =
      zombieExit(this.record.process) ?? foreignExit(this.#doors.kernel, this.#process.pidfd);
    if (exitCode !== undefined || triesLeft === 0) return this.#finish(exitCode);
    this.#doors.clock.after(collectWaitMs, () => this.#askForExit(triesLeft - 1));
  }

  #finish(exitCode: number | undefined): void {
    const { kernel, cgroups, clock } = this.#doors;
    const { id, cgroup, process, hasOwnPids } = this.record;
    closeQuietly(this.#process.pidfd);
    if (!hasOwnPids) killCgroup(kernel, cgroups, cgroup);
    for (const output of this.#outputs) {
      output.drain();
      output.close();
    }
    this.#input?.close();
    this.#log.close();
    const oomKilled = exitCode !== 0 && oomKills(cgroups, cgroup) > 0;
    const { startedAtMs } = process;
    this.#onExit({ id, exitCode, oomKilled, startedAtMs, finishedAtMs: clock.now() });
  }
}
