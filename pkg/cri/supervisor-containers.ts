import { killCgroup, removeCgroup } from "../linux/cgroup.ts";
import { DescriptorReader } from "../linux/descriptor-reader.ts";
import { closeQuietly, openPidfd } from "../linux/process.ts";
import { makesNamespace } from "../oci/container-plan.ts";
import type { Host } from "../oci/host.ts";
import { cgroupPath, startContainer } from "../oci/start.ts";
import type { Logger } from "../telemetry/logger.ts";
import {
  SupervisedContainer,
  type ContainerDoors,
  type StartedRecord,
} from "./supervisor-container.ts";
import { ContainerLog } from "./supervisor-log.ts";
import type { ContainerStart, Exit, RunningContainer } from "./supervisor-contract.ts";
import {
  startTicks,
  zombieExit,
  type ContainerRecord,
  type ContainerRecords,
} from "./supervisor-records.ts";
import { openFifos, prepareStreams, terminalStreams, type Streams } from "./supervisor-streams.ts";
import { keepTerminal, regainTerminal, releaseKeeper } from "./supervisor-terminal-keeper.ts";

export interface ContainersOptions {
  readonly doors: ContainerDoors;
  readonly host: Host;
  readonly records: ContainerRecords;
  readonly logger: Logger;
}

/** No container has this id. */
export class NoSuchContainer extends Error {
  readonly code = "NotFound";
  constructor(id: string) {
    super(`no container ${id}`);
  }
}

/** All containers of the node: running ones as objects, ended ones as their exit. */
export class SupervisedContainers {
  readonly #options: ContainersOptions;
  readonly #running = new Map<string, SupervisedContainer>();
  readonly #ended = new Map<string, { readonly exit: Exit; readonly cgroup: string }>();
  readonly #listeners = new Set<(exit: Exit) => void>();
  readonly #removals = new Map<string, (() => void)[]>();

  /** Takes over what an earlier supervisor has left. */
  constructor(options: ContainersOptions) {
    this.#options = options;
    for (const record of options.records.readAll()) this.#adopt(record);
  }

  onExit(listener: (exit: Exit) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Synchronous from the first record to the last: only a crash comes between. */
  start({ id, spec, overlay, stdio }: ContainerStart): RunningContainer {
    const { records, doors, host, logger } = this.#options;
    if (this.#running.has(id) || this.#ended.has(id)) throw new Error(`container ${id} exists`);
    const hasOwnPids = makesNamespace(spec, "pid");
    const record: ContainerRecord = { id, stdio, hasOwnPids, cgroup: cgroupPath(spec, id) };
    records.create(record);
    try {
      const size = spec.process?.consoleSize ?? { width: 80, height: 24 };
      const streams = prepareStreams(doors.kernel, records.folder(id), stdio, size);
      const request = { id, spec, stdio: streams.plan };
      const started = attempt(
        () =>
          startContainer(
            doors.kernel,
            host,
            overlay === undefined ? request : { ...request, overlay },
          ),
        () => streams.cancel(),
      );
      for (const warning of started.warnings) logger.warn({ container: id }, warning);
      const { pid, pidfd } = started;
      const process = { pid, startTicks: startTicks(pid) ?? "", startedAtMs: doors.clock.now() };
      const taken = streams.take();
      const { terminal } = taken;
      const keeper = terminal === undefined ? {} : { keeper: keepTerminal(doors.kernel, terminal) };
      const whole = { ...record, process, ...keeper };
      records.write(whole);
      this.#supervise(whole, { pidfd, isOurs: true, streams: taken });
      return { id, pid, startedAtMs: process.startedAtMs };
    } catch (error) {
      records.remove(id);
      throw error;
    }
  }

  /** Throws NoSuchContainer; also for one that has ended. */
  running(id: string): SupervisedContainer {
    const container = this.#running.get(id);
    if (container === undefined) throw new NoSuchContainer(id);
    return container;
  }

  isRunning(id: string): boolean {
    return this.#running.has(id);
  }

  list(): { readonly running: readonly RunningContainer[]; readonly exited: readonly Exit[] } {
    return {
      running: [...this.#running.values()].map(({ record: { id, process } }) => ({
        id,
        pid: process.pid,
        startedAtMs: process.startedAtMs,
      })),
      exited: [...this.#ended.values()].map(({ exit }) => exit),
    };
  }

  /** Idempotent: what is not there is removed already. */
  async remove(id: string): Promise<void> {
    const container = this.#running.get(id);
    if (container !== undefined) {
      const hasEnded = new Promise<void>((resolve) => {
        this.#removals.set(id, [...(this.#removals.get(id) ?? []), resolve]);
      });
      container.signal(9, true);
      container.signal(9, false);
      await hasEnded;
    }
    const ended = this.#ended.get(id);
    if (ended === undefined) return;
    const { doors, records } = this.#options;
    removeCgroup(doors.kernel, doors.cgroups, ended.cgroup);
    records.remove(id);
    this.#ended.delete(id);
  }

  #supervise(record: StartedRecord, process: ConstructorParameters<typeof SupervisedContainer>[2]) {
    const { doors } = this.#options;
    const container = new SupervisedContainer(doors, record, process, (exit) =>
      this.#onExit(record, exit),
    );
    this.#running.set(record.id, container);
  }

  #onExit(record: ContainerRecord, exit: Exit): void {
    const { id, cgroup } = record;
    this.#running.delete(id);
    this.#ended.set(id, { exit, cgroup });
    const { doors, records } = this.#options;
    if (record.keeper !== undefined) releaseKeeper(doors.kernel, record.keeper);
    records.write({ ...record, exit });
    for (const listener of this.#listeners) listener(exit);
    for (const resolve of this.#removals.get(id) ?? []) resolve();
    this.#removals.delete(id);
  }

  #adopt(record: ContainerRecord): void {
    const { doors, records, logger } = this.#options;
    const { id, cgroup, process, exit } = record;
    if (exit !== undefined) {
      this.#ended.set(id, { exit, cgroup });
      return;
    }
    if (process === undefined) {
      // Its start was never acknowledged, so it is undone.
      killCgroup(doors.kernel, doors.cgroups, cgroup);
      records.remove(id);
      return;
    }
    const pidfd = openPidfd(doors.kernel, process.pid);
    const isSame = startTicks(process.pid) === process.startTicks;
    const streams = isSame ? this.#regainStreams(record) : undefined;
    if (pidfd !== undefined && streams !== undefined) {
      logger.info({ container: id, pid: process.pid }, "adopted a running container");
      this.#supervise({ ...record, process }, { pidfd, isOurs: false, streams });
      return;
    }
    if (pidfd !== undefined) closeQuietly(pidfd);
    this.#adoptEnded({ ...record, process });
  }

  /** Undefined when a terminal's keeper is gone: then its container was hung up on, too. */
  #regainStreams(record: ContainerRecord): Streams | undefined {
    const { doors, records } = this.#options;
    const { stdio, keeper } = record;
    if (!stdio.tty) return openFifos(records.folder(record.id), stdio);
    const terminal = keeper === undefined ? undefined : regainTerminal(doors.kernel, keeper);
    return terminal === undefined
      ? undefined
      : terminalStreams(doors.kernel, terminal, stdio.stdin);
  }

  /** What it wrote while no supervisor was there: clients hold the FIFOs for this. */
  #saveOutput({ id, stdio }: ContainerRecord): void {
    const { doors, records } = this.#options;
    if (stdio.tty) return;
    const { stdin, stdout, stderr } = openFifos(records.folder(id), stdio);
    const log = new ContainerLog(stdio.logPath, doors.clock);
    for (const [fd, stream] of [[stdout, "stdout"] as const, [stderr, "stderr"] as const]) {
      if (fd === undefined) continue;
      const data = (chunk: Uint8Array): void => log.write(stream, chunk);
      const reader = new DescriptorReader(doors.kernel, fd, { data });
      reader.drain();
      reader.close();
    }
    if (stdin !== undefined) closeQuietly(stdin);
    log.close();
  }

  /** It ended while nobody looked: how is known only if no parent has collected it. */
  #adoptEnded(record: StartedRecord): void {
    const { doors } = this.#options;
    killCgroup(doors.kernel, doors.cgroups, record.cgroup);
    this.#saveOutput(record);
    const { startedAtMs } = record.process;
    const finishedAtMs = doors.clock.now();
    const { id } = record;
    const exitCode = zombieExit(record.process);
    this.#onExit(record, { id, exitCode, oomKilled: false, startedAtMs, finishedAtMs });
  }
}

function attempt<T>(body: () => T, undo: () => void): T {
  try {
    return body();
  } catch (error) {
    undo();
    throw error;
  }
}
