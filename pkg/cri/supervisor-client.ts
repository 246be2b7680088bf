import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { chainOf } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../telemetry/logger.ts";
import { attachTo } from "./supervisor-attach.ts";
import { openChannel, type Channel } from "./supervisor-channel.ts";
import type { Exit, Supervisor } from "./supervisor-contract.ts";
import { FifoHolder } from "./supervisor-fifo-holder.ts";
import { supervisorSocket, type Method, type Methods } from "./supervisor-protocol.ts";

export interface SupervisorClientOptions {
  /** The same as the supervisor's own: /run/tskube/supervisor */
  readonly stateFolder: string;
  /**
   * How to start one when there is none: a command that runs `runSupervisor` on this folder and
   * writes a line to descriptor 3 when it serves. Started in a session of its own, it outlives us.
   */
  readonly command: readonly [program: string, ...args: string[]];
  /** Where the supervisor's own log goes: an open descriptor; absent: discarded. */
  readonly logDescriptor?: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A supervisor that died is started again; how long to wait between attempts. */
const restartWaitMs = { first: 50, most: 2_000 } as const;

/**
 * Connects to the node's supervisor, and starts it when there is none. When it dies the client
 * starts the next one, which adopts the containers; only calls under way at that moment reject.
 */
export async function connectSupervisor(options: SupervisorClientOptions): Promise<Supervisor> {
  const client = new SupervisorClient(options);
  await client.open();
  return client;
}

class SupervisorClient implements Supervisor {
  readonly #options: SupervisorClientOptions;
  readonly #listeners = new Set<(exit: Exit) => void>();
  /** Exits already told, so that a reconnect tells each once. */
  readonly #told = new Set<string>();
  readonly #fifos: FifoHolder;
  #channel: Promise<Channel> | undefined;
  #isClosed = false;

  constructor(options: SupervisorClientOptions) {
    this.#options = options;
    this.#fifos = new FifoHolder(options.stateFolder);
  }

  async open(): Promise<void> {
    await this.#open();
  }

  async start(request: Methods["start"]["takes"]): Promise<Methods["start"]["gives"]> {
    const started = await this.#call("start", request);
    if (!this.#told.has(started.id)) this.#fifos.hold(started.id);
    return started;
  }

  async signal(id: string, signal: number, all: boolean): Promise<void> {
    await this.#call("signal", { id, signal, all });
  }

  list(): Promise<Methods["list"]["gives"]> {
    return this.#call("list", null);
  }

  async remove(id: string): Promise<void> {
    await this.#call("remove", { id });
    this.#told.delete(id);
  }

  async reopenLog(id: string): Promise<void> {
    await this.#call("reopenLog", { id });
  }

  async resize(
    id: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    await this.#call("resize", { id, ...size });
  }

  async attach(id: string) {
    await this.#open();
    return attachTo(await dial(supervisorSocket(this.#options.stateFolder)), id);
  }

  onExit(listener: (exit: Exit) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const channel = await this.#channel?.catch(() => undefined);
    channel?.close();
    this.#fifos.releaseAll();
  }

  async #call<M extends Method>(
    method: M,
    params: Methods[M]["takes"],
  ): Promise<Methods[M]["gives"]> {
    const channel = await this.#open();
    return channel.call(method, params);
  }

  #open(): Promise<Channel> {
    if (this.#isClosed) return Promise.reject(new Error("the supervisor's client is closed"));
    this.#channel ??= this.#connect().catch((error: unknown) => {
      this.#channel = undefined;
      throw error;
    });
    return this.#channel;
  }

  async #connect(): Promise<Channel> {
    const path = supervisorSocket(this.#options.stateFolder);
    const socket = await dial(path).catch(async (error: unknown) => {
      if (!isAbsent(error)) throw error;
      await startDetached(this.#options);
      return dial(path);
    });
    const channel = openChannel(socket, {
      onExit: (exit) => this.#tell(exit),
      onClose: () => this.#onClose(),
    });
    await channel.call("subscribe", null);
    const { running, exited } = await channel.call("list", null);
    for (const { id } of running) this.#fifos.hold(id);
    for (const exit of exited) this.#tell(exit);
    return channel;
  }

  #tell(exit: Exit): void {
    if (this.#told.has(exit.id)) return;
    this.#told.add(exit.id);
    this.#fifos.release(exit.id);
    for (const listener of this.#listeners) listener(exit);
  }

  #onClose(): void {
    this.#channel = undefined;
    if (!this.#isClosed) this.#reopen(restartWaitMs.first);
  }

  #reopen(waitMs: number): void {
    const { clock, logger } = this.#options;
    this.#open().catch((error: unknown) => {
      if (this.#isClosed) return;
      logger.error({ error: chainOf(error) }, "the supervisor is gone and does not come back");
      clock.after(waitMs, () => this.#reopen(Math.min(waitMs * 2, restartWaitMs.most)));
    });
  }
}

async function dial(path: string): Promise<Socket> {
  const socket = connectSocket(path);
  await once(socket, "connect");
  return socket;
}

/** No socket, or one that nobody listens on. */
const isAbsent = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ENOENT" || error.code === "ECONNREFUSED");

/** Resolves when it serves; rejects when it ends before. */
async function startDetached({ command, logDescriptor }: SupervisorClientOptions): Promise<void> {
  const [program, ...args] = command;
  const log = logDescriptor ?? "ignore";
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  const ready = child.stdio[3];
  if (ready === null || ready === undefined) throw new Error("no pipe to the supervisor");
  const failure = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      reject(new Error(`the supervisor ended at its start (${signal ?? code})`)),
    );
  });
  // Once it serves it may end as it likes: the connection tells.
  failure.catch(() => undefined);
  await Promise.race([once(ready, "data"), failure]).catch((cause: unknown) => {
    throw new Error(`start ${program}`, { cause });
  });
  ready.destroy();
  child.unref();
}
