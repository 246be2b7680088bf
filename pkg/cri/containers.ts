/** Containers of all pods: their records, their lives, and what the supervisor is asked to do. */
import { chown, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ContainerConfig } from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import type { StoredImage } from "../images/images.ts";
import { endOf, planRecovery } from "./container-life-plan.ts";
import { prepareSpec, type PreparedSpec } from "./container-spec.ts";
import type { CriContext } from "./context.ts";
import { userNamespace } from "../oci/user-namespace-plan.ts";
import { CriError, notFound, required } from "./cri-error.ts";
import type { CriEvents } from "./events.ts";
import { findImage } from "./image-service.ts";
import { ImageVolumes } from "./image-volumes.ts";
import { containerCodec } from "./record-codecs.ts";
import { RecordStore } from "./record-store.ts";
import type { ContainerEnd, ContainerRecord, SandboxRecord } from "./records.ts";
import { Serial } from "./serial.ts";
import type { SpecPaths } from "./spec-input.ts";
import { stopSignalOf } from "./stop-signal.ts";
import type { Exit } from "./supervisor-contract.ts";

const sigkill = 9;
/** A killed process that does not end hangs in the kernel: the caller must not hang with it. */
const killMsMax = 30_000;
/** An exit that cannot be written down, on a full disk, is not forgotten: doubled each time. */
const recordAgainMs = { first: 500, most: 10_000 } as const;

export interface ContainerPlace {
  readonly sandbox: SandboxRecord;
  readonly paths: SpecPaths;
}

export interface ContainersOptions {
  readonly context: CriContext;
  readonly events: CriEvents;
  /** Ids under which the supervisor holds sandboxes' own processes. */
  readonly sandboxIds: ReadonlySet<string>;
}

export class Containers {
  readonly #context: CriContext;
  readonly #events: CriEvents;
  readonly #store: RecordStore<ContainerRecord>;
  readonly #serial = new Serial();
  readonly #imageVolumes: ImageVolumes;
  /** Who waits for a container's end. */
  readonly #waiters = new Map<string, Set<() => void>>();

  private constructor(options: ContainersOptions, store: RecordStore<ContainerRecord>) {
    this.#context = options.context;
    this.#events = options.events;
    this.#store = store;
    const { paths, images, kernel } = options.context;
    this.#imageVolumes = new ImageVolumes(join(paths.run, "image-volumes"), images, kernel);
  }

  /** Reads the records and brings them in line with what the supervisor knows. */
  static async open(options: ContainersOptions): Promise<Containers> {
    const folder = join(options.context.paths.state, "containers");
    const containers = new Containers(options, await RecordStore.open(folder, containerCodec));
    options.context.supervisor.onExit((exit) => containers.#onExit(exit));
    await containers.#recover(options.sandboxIds);
    return containers;
  }

  list(): readonly ContainerRecord[] {
    return this.#store.list();
  }

  find(id: string): ContainerRecord | undefined {
    return this.#store.find(id);
  }

  get(id: string): ContainerRecord {
    const record = this.find(id);
    if (record === undefined) throw notFound("container", id);
    return record;
  }

  /** The record of a running container, and its pid. */
  running(id: string): { readonly record: ContainerRecord; readonly pid: number } {
    const record = this.get(id);
    if (record.life.at === "running") return { record, pid: record.life.pid };
    throw new CriError("FAILED_PRECONDITION", `container ${id} is ${record.life.at}`);
  }

  of(sandboxId: string): readonly ContainerRecord[] {
    return this.list().filter((record) => record.sandboxId === sandboxId);
  }

  /** One at a time for a pod: two callers must not both find a name free. */
  async create(place: ContainerPlace, config: ContainerConfig): Promise<ContainerRecord> {
    return await this.#serial.run(place.sandbox.id, async () => this.#create(place, config));
  }

  async #create(place: ContainerPlace, config: ContainerConfig): Promise<ContainerRecord> {
    const { images, random, clock } = this.#context;
    const { sandbox } = place;
    this.#check(place, config);
    const name = required(config.image?.image, "image");
    const image = findImage(this.#context, name);
    if (image === undefined) throw notFound("image", name);
    const id = `${random.uuid()}${random.uuid()}`.replaceAll("-", "");
    const target = (other: string): ContainerRecord | undefined => this.find(other);
    try {
      const imageMounts = await this.#imageVolumes.prepare(id, config);
      const request = { id, config, image, target, imageMounts, ...place };
      const prepared = await prepareSpec(this.#context, request);
      const { upper } = await images.prepareSnapshot(id, image);
      const root = userNamespace(prepared.spec);
      // Of the merged root folder the upper layer's owner is seen.
      if (root !== undefined) await chown(upper, root.uid, root.gid);
      const record = newRecord({ id, sandbox, config, image, ...prepared });
      await this.#store.put({ ...record, createdAtMs: clock.now() });
    } catch (error) {
      await images.snapshots.remove(id);
      await this.#imageVolumes.remove(id);
      throw error;
    }
    this.#events.emit("created", this.get(id));
    return this.get(id);
  }

  #check({ sandbox }: ContainerPlace, config: ContainerConfig): void {
    const name = required(config.metadata?.name, "container name");
    if (!sandbox.isReady) {
      throw new CriError("FAILED_PRECONDITION", `sandbox ${sandbox.id} is not ready`);
    }
    const attempt = config.metadata?.attempt ?? 0;
    const taken = this.of(sandbox.id).find(
      ({ config: { metadata = {} } }) =>
        metadata.name === name && (metadata.attempt ?? 0) === attempt,
    );
    if (taken === undefined) return;
    throw new CriError("ALREADY_EXISTS", `container ${name}, attempt ${attempt}, is there`);
  }

  async start(id: string): Promise<void> {
    const found = this.get(id).id;
    await this.#serial.run(found, async () => {
      const record = this.get(found);
      if (record.life.at !== "created") {
        throw new CriError("FAILED_PRECONDITION", `container ${id} is ${record.life.at}`);
      }
      await this.#start(record);
    });
  }

  async #start(record: ContainerRecord): Promise<void> {
    const { supervisor, images, clock } = this.#context;
    const { id, config, spec, logPath } = record;
    try {
      if (logPath !== "") await mkdir(dirname(logPath), { recursive: true, mode: 0o755 });
      const { pid, startedAtMs } = await supervisor.start({
        id,
        spec,
        overlay: images.overlayOf(id),
        stdio: {
          tty: config.tty ?? false,
          stdin: config.stdin ?? false,
          stdinOnce: config.stdinOnce ?? false,
          ...(logPath === "" ? {} : { logPath }),
        },
      });
      await this.#put({ ...record, life: { at: "running", pid, startedAtMs } });
      this.#events.emit("started", this.get(id));
    } catch (cause) {
      const now = clock.now();
      const end = { at: "exited", startedAtMs: 0, finishedAtMs: now, exitCode: 128 } as const;
      const life = { ...end, reason: "StartError", message: chainOf(cause) };
      await this.#put({ ...record, life });
      await this.#forget(id);
      throw new Error(`start container ${id}`, { cause });
    }
  }

  /** Asks the process to end, and after `timeoutMs` ends it. What has ended already stays so. */
  async stop(id: string, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const record = this.find(id);
    if (record === undefined || record.life.at !== "running") return;
    if (timeoutMs > 0) {
      await this.#signal(record.id, record.stopSignal, false);
      if (await this.#ends(record.id, timeoutMs, signal)) return;
    }
    await this.#signal(record.id, sigkill, true);
    if (await this.#ends(record.id, killMsMax, signal)) return;
    throw new CriError("DEADLINE_EXCEEDED", `container ${record.id} does not end by SIGKILL`);
  }

  /** Ends it if it runs, and removes all of it but its log. Succeeds when there is none. */
  async remove(id: string): Promise<void> {
    const record = this.find(id);
    if (record === undefined) return;
    await this.stop(record.id, 0);
    await this.#serial.run(record.id, async () => {
      if (this.find(record.id) === undefined) return;
      await this.#forget(record.id);
      await this.#context.images.snapshots.remove(record.id);
      await this.#imageVolumes.remove(record.id);
      const last = this.get(record.id);
      await this.#store.remove(record.id);
      this.#events.emit("deleted", last);
    });
  }

  /** Changes the spec as it is written down; the cgroup is the caller's business. */
  async update(id: string, change: (record: ContainerRecord) => ContainerRecord): Promise<void> {
    await this.#serial.run(id, async () => await this.#put(change(this.get(id))));
  }

  #onExit(exit: Exit, againMs: number = recordAgainMs.first): void {
    const { clock, logger } = this.#context;
    void this.#serial
      .run(exit.id, async () => {
        const record = this.find(exit.id);
        if (record?.life.at === "running") await this.#end(record, endOf(exit));
      })
      .catch((error: unknown) => {
        logger.error({ id: exit.id, error: chainOf(error), againMs }, "recording an exit");
        const nextMs = Math.min(2 * againMs, recordAgainMs.most);
        clock.after(againMs, () => this.#onExit(exit, nextMs));
      });
  }

  /** Written down before the supervisor may forget it. */
  async #end(record: ContainerRecord, life: ContainerEnd): Promise<void> {
    await this.#put({ ...record, life });
    await this.#forget(record.id);
    this.#events.emit("stopped", this.get(record.id));
    for (const wake of this.#waiters.get(record.id) ?? []) wake();
  }

  async #put(record: ContainerRecord): Promise<void> {
    await this.#store.put(record);
  }

  /** Cgroup and run files; what is left of processes in them goes too. */
  async #forget(id: string): Promise<void> {
    await this.#context.supervisor.remove(id).catch((error: unknown) => {
      this.#context.logger.debug({ id, error: chainOf(error) }, "the supervisor forgets");
    });
  }

  /** A process that ended meanwhile is what was wanted. */
  async #signal(id: string, signal: number, all: boolean): Promise<void> {
    await this.#context.supervisor.signal(id, signal, all).catch((error: unknown) => {
      this.#context.logger.debug({ id, signal, error: chainOf(error) }, "signal");
    });
  }

  async #ends(id: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    if (this.find(id)?.life.at !== "running") return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = this.#waiters.get(id) ?? new Set();
    this.#waiters.set(id, waiters.add(resolve));
    const onAbort = (): void => resolve();
    signal?.addEventListener("abort", onAbort, { once: true });
    using _timer = this.#context.clock.after(timeoutMs, resolve);
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      waiters.delete(resolve);
      if (waiters.size === 0) this.#waiters.delete(id);
    }
    signal?.throwIfAborted();
    return this.find(id)?.life.at !== "running";
  }

  async #recover(sandboxIds: ReadonlySet<string>): Promise<void> {
    const { supervisor, images, logger } = this.#context;
    const known = await supervisor.list();
    for (const { record, life } of planRecovery(this.list(), known)) {
      logger.info({ id: record.id, was: record.life.at, is: life.at }, "container recovered");
      if (life.at === "exited") await this.#end(record, life);
      else await this.#put({ ...record, life });
    }
    const ids = new Set(this.list().map(({ id }) => id));
    for (const { id } of [...known.running, ...known.exited]) {
      if (!ids.has(id) && !sandboxIds.has(id)) await this.#forget(id);
    }
    for (const id of images.snapshots.list()) {
      if (!ids.has(id)) await images.snapshots.remove(id);
    }
    for (const id of await this.#imageVolumes.list()) {
      if (!ids.has(id)) await this.#imageVolumes.remove(id);
    }
  }
}

/** Where the output goes: below the pod's folder of logs. */
function logPathOf(sandbox: SandboxRecord, config: ContainerConfig): string {
  const { logDirectory } = sandbox.config;
  return logDirectory && config.logPath ? join(logDirectory, config.logPath) : "";
}

/**
 * The environment's values are parts of the message that they came in, and of Node's pool with it:
 * a few bytes would keep 64 KiB for as long as the container is there.
 */
const withOwnBytes = ({ envs = [], ...config }: ContainerConfig): ContainerConfig => ({
  ...config,
  envs: envs.map(({ key = "", value = new Uint8Array() }) => ({
    key,
    value: new Uint8Array(value),
  })),
});

/** A container that was just planned; `createdAtMs` is the caller's to set. */
function newRecord(
  made: PreparedSpec & {
    readonly id: string;
    readonly sandbox: SandboxRecord;
    readonly config: ContainerConfig;
    readonly image: StoredImage;
  },
): ContainerRecord {
  const { id, sandbox, config, image, spec, user } = made;
  return {
    id,
    sandboxId: sandbox.id,
    config: withOwnBytes(config),
    imageName: image.tags[0] ?? image.digests[0] ?? image.id,
    imageId: image.id,
    imageRef: image.digests[0] ?? image.id,
    user: {
      uid: user.uid,
      gid: user.gid,
      groups: [...(spec.process?.user?.additionalGids ?? [])],
    },
    stopSignal: stopSignalOf(config.stopSignal, image.config.config.stopSignal),
    logPath: logPathOf(sandbox, config),
    spec,
    createdAtMs: 0,
    life: { at: "created" },
  };
}
