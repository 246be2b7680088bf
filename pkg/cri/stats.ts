/** What containers and pods use, read from their cgroups. */
import { readFile } from "node:fs/promises";
import type {
  ContainerStats,
  CpuUsage,
  FilesystemUsage,
  MemoryUsage,
  NetworkUsage,
  PodSandboxStats,
  ProcessUsage,
} from "../../api/cri/v1.ts";
import type { FolderUsage } from "../images/folder-usage.ts";
import { controllerFolder } from "../linux/cgroup-host.ts";
import type { CriContext } from "./context.ts";
import { nanoseconds } from "./listing-plan.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import {
  planCpuUsage,
  planMemoryUsage,
  parseNetworkDevices,
  type CpuFacts,
  type MemoryFacts,
} from "./stats-plan.ts";

/** The last reading of a cgroup's CPU time; a rate needs two. */
interface Reading {
  readonly atMs: number;
  readonly nanoseconds: bigint;
}

/** A walk through all that a container wrote is dear; the kubelet asks every ten seconds. */
const layerUsageMsMax = 10_000;

export class StatsReader {
  readonly #context: CriContext;
  readonly #last = new Map<string, Reading>();
  readonly #layers = new Map<string, { readonly atMs: number; readonly usage: FolderUsage }>();

  constructor(context: CriContext) {
    this.#context = context;
  }

  async container(record: ContainerRecord): Promise<ContainerStats> {
    const path = record.spec.linux?.cgroupsPath ?? "";
    const { config } = record;
    const isRunning = record.life.at === "running";
    return {
      attributes: {
        id: record.id,
        metadata: config.metadata ?? {},
        labels: config.labels ?? {},
        annotations: config.annotations ?? {},
      },
      ...(isRunning ? { cpu: await this.#cpu(path), memory: await this.#memory(path) } : {}),
      writableLayer: await this.#writableLayer(record.id),
    };
  }

  async sandbox(
    record: SandboxRecord,
    containers: readonly ContainerRecord[],
  ): Promise<PodSandboxStats> {
    const parent = record.config.linux?.cgroupParent ?? "";
    const stats = await Promise.all(containers.map(async (each) => await this.container(each)));
    const pids = containers.flatMap(({ life }) => (life.at === "running" ? [life.pid] : []));
    return {
      attributes: {
        id: record.id,
        metadata: record.config.metadata ?? {},
        labels: record.config.labels ?? {},
        annotations: record.config.annotations ?? {},
      },
      linux: {
        cpu: parent === "" ? {} : await this.#cpu(parent),
        memory: parent === "" ? {} : await this.#memory(parent),
        network: await this.#network(pids[0]),
        process: await this.#processes(containers),
        containers: stats,
      },
    };
  }

  /** Forgets readings of a container that is gone. */
  forget(record: ContainerRecord): void {
    this.#last.delete(record.spec.linux?.cgroupsPath ?? "");
    this.#layers.delete(record.id);
  }

  async #cpu(path: string): Promise<CpuUsage> {
    const { clock } = this.#context;
    const facts: CpuFacts = {
      stat: await this.#read("cpu", path, "cpu.stat"),
      usage: await this.#read("cpuacct", path, "cpuacct.usage"),
    };
    const used = planCpuUsage(facts);
    if (used === undefined) return {};
    const now = clock.monotonic();
    const before = this.#last.get(path);
    this.#last.set(path, { atMs: now, nanoseconds: used });
    const elapsedMs = before === undefined ? 0 : now - before.atMs;
    const rate =
      before === undefined || elapsedMs <= 0
        ? 0
        : Math.max(0, (Number(used - before.nanoseconds) / elapsedMs) * 1000);
    return {
      timestamp: nanoseconds(clock.now()),
      usageCoreNanoSeconds: { value: used },
      usageNanoCores: { value: BigInt(Math.round(rate)) },
    };
  }

  async #memory(path: string): Promise<MemoryUsage> {
    const facts: MemoryFacts = {
      stat: await this.#read("memory", path, "memory.stat"),
      current:
        (await this.#read("memory", path, "memory.current")) ??
        (await this.#read("memory", path, "memory.usage_in_bytes")),
      limit:
        (await this.#read("memory", path, "memory.max")) ??
        (await this.#read("memory", path, "memory.limit_in_bytes")),
    };
    const usage = planMemoryUsage(facts);
    if (usage === undefined) return {};
    return { timestamp: nanoseconds(this.#context.clock.now()), ...usage };
  }

  async #read(controller: string, path: string, file: string): Promise<string | undefined> {
    const folder = controllerFolder(this.#context.cgroups, controller, path);
    if (folder === undefined) return undefined;
    return await readFile(`${folder}/${file}`, "utf8").catch(() => undefined);
  }

  async #processes(containers: readonly ContainerRecord[]): Promise<ProcessUsage> {
    let count = 0;
    for (const { spec } of containers) {
      const text = await this.#read("pids", spec.linux?.cgroupsPath ?? "", "pids.current");
      count += Number(text ?? 0);
    }
    const timestamp = nanoseconds(this.#context.clock.now());
    return { timestamp, processCount: { value: BigInt(count) } };
  }

  /** Interfaces as a process of the pod sees them. */
  async #network(pid: number | undefined): Promise<NetworkUsage> {
    if (pid === undefined) return {};
    const text = await readFile(`/proc/${pid}/net/dev`, "utf8").catch(() => "");
    const interfaces = parseNetworkDevices(text).filter(({ name }) => name !== "lo");
    const main = interfaces.find(({ name }) => name === "eth0") ?? interfaces[0];
    return {
      timestamp: nanoseconds(this.#context.clock.now()),
      interfaces,
      ...(main === undefined ? {} : { defaultInterface: main }),
    };
  }

  /** What a container has written. */
  async layerUsage(id: string): Promise<FolderUsage> {
    const { images, clock } = this.#context;
    const now = clock.monotonic();
    const known = this.#layers.get(id);
    if (known !== undefined && now - known.atMs < layerUsageMsMax) return known.usage;
    const usage = await images.snapshotUsage(id);
    this.#layers.set(id, { atMs: now, usage });
    return usage;
  }

  async #writableLayer(id: string): Promise<FilesystemUsage> {
    const { images, clock } = this.#context;
    const { bytes, inodes } = await this.layerUsage(id);
    return {
      timestamp: nanoseconds(clock.now()),
      fsId: { mountpoint: images.root },
      usedBytes: { value: BigInt(bytes) },
      inodesUsed: { value: BigInt(inodes) },
    };
  }
}
