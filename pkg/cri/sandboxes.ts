/**
 * Pods' sandboxes: namespaces, network, files. Decides what is there; never looks into containers.
 */
import { mkdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  NamespaceMode,
  Protocol,
  type NamespaceOption,
  type PodSandboxConfig,
} from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import { cgroupFolders } from "../linux/cgroup-host.ts";
import type { HostPort, NetworkSandbox } from "../podnetwork/pod-network.ts";
import type { CriContext } from "./context.ts";
import { CriError, invalid, notFound, required } from "./cri-error.ts";
import { isPodSysctl, type PinnedKind } from "./namespaces-plan.ts";
import { Namespaces } from "./namespaces.ts";
import { needsPause } from "./pause-plan.ts";
import { PauseProcesses } from "./pause-process.ts";
import { sandboxCodec } from "./record-codecs.ts";
import { RecordStore } from "./record-store.ts";
import type { SandboxRecord } from "./records.ts";
import { planHosts, planResolvConf } from "./sandbox-files-plan.ts";
import { Serial } from "./serial.ts";
import type { SpecPaths } from "./spec-input.ts";
import { cgroupParentOf } from "./spec-plan.ts";
import { podIds } from "./user-namespace-plan.ts";

/** As Docker and containerd size it. */
const shmOptions = "mode=1777,size=67108864";
const hostnameCharactersMax = 64;

export class Sandboxes {
  readonly #context: CriContext;
  readonly #store: RecordStore<SandboxRecord>;
  readonly #namespaces: Namespaces;
  readonly #pauses: PauseProcesses;
  /** A stop and a removal of one sandbox must not write over one another. */
  readonly #serial = new Serial();

  private constructor(context: CriContext, store: RecordStore<SandboxRecord>) {
    this.#context = context;
    this.#store = store;
    const { paths, kernel, supervisor } = context;
    this.#namespaces = new Namespaces(join(paths.run, "ns"), kernel);
    this.#pauses = new PauseProcesses(supervisor, kernel, join(paths.state, "pause"));
  }

  /** Sandboxes whose namespaces went with a restart of the machine are not ready any more. */
  static async open(context: CriContext): Promise<Sandboxes> {
    const folder = join(context.paths.state, "sandboxes");
    const sandboxes = new Sandboxes(context, await RecordStore.open(folder, sandboxCodec));
    const running = await sandboxes.#pauses.running();
    for (const record of sandboxes.list()) {
      const hasPause = record.pidNamespace === undefined || running.has(record.id);
      const isThere = await sandboxes.#namespaces.has(record.id, pinnedKinds(record.config));
      if (record.isReady && !(isThere && hasPause)) {
        await sandboxes.#store.put({ ...record, isReady: false });
      }
    }
    context.supervisor.onExit(({ id }) => sandboxes.#onPauseExit(id));
    return sandboxes;
  }

  list(): readonly SandboxRecord[] {
    return this.#store.list();
  }

  find(id: string): SandboxRecord | undefined {
    return this.#store.find(id);
  }

  get(id: string): SandboxRecord {
    const record = this.find(id);
    if (record === undefined) throw notFound("pod sandbox", id);
    return record;
  }

  async run(config: PodSandboxConfig, runtimeHandler: string): Promise<SandboxRecord> {
    // One at a time for a name: two callers must not both find it free.
    return await this.#serial.run(nameOf(config), async () => this.#run(config, runtimeHandler));
  }

  async #run(config: PodSandboxConfig, runtimeHandler: string): Promise<SandboxRecord> {
    const { random, clock } = this.#context;
    this.#check(config);
    const id = `${random.uuid()}${random.uuid()}`.replaceAll("-", "");
    const createdAtMs = clock.now();
    const record = { id, config, runtimeHandler, createdAtMs, isReady: false, ips: [] };
    // Written before anything is made, so that what a killed process left can be found.
    await this.#store.put(record);
    try {
      return await this.#make(record);
    } catch (cause) {
      await this.remove(id).catch((error: unknown) =>
        this.#context.logger.warn({ id, error: chainOf(error) }, "cleaning up a failed sandbox"),
      );
      throw new Error(`run pod sandbox ${nameOf(config)}`, { cause });
    }
  }

  async #make(record: SandboxRecord): Promise<SandboxRecord> {
    const { id, config } = record;
    const kinds = pinnedKinds(config);
    const sysctls = config.linux?.sysctls ?? {};
    const ids = podIds(namespaceOptions(config));
    await this.#namespaces.make(id, kinds, {
      hostname: this.hostname(config),
      sysctls,
      ...(ids === undefined ? {} : { ids }),
    });
    await this.#mountShm(record);
    const pidNamespace = needsPause(config) ? await this.#startPause(record) : undefined;
    const ips = kinds.includes("network") ? await this.#attach(record) : [];
    await this.#writeFiles({ ...record, ips });
    const logs = config.logDirectory;
    if (logs) await mkdir(logs, { recursive: true, mode: 0o755 });
    const shared = pidNamespace === undefined ? {} : { pidNamespace };
    const ready = { ...record, ips, ...shared, isReady: true };
    await this.#store.put(ready);
    return ready;
  }

  async #startPause({ id, config }: SandboxRecord): Promise<string> {
    const pin = join(this.#context.paths.run, "ns", id, "pid");
    const cgroupParent = cgroupParentOf(config);
    await this.#pauses.start(id, { cgroupParent, paths: this.#paths(id, config), pin });
    return pin;
  }

  /** Without it the pod's processes are gone, and none can join them. */
  #onPauseExit(id: string): void {
    const record = this.#store.get(id);
    if (record?.isReady !== true) return;
    const mark = async (): Promise<void> => {
      const current = this.#store.get(id);
      if (current !== undefined) await this.#store.put({ ...current, isReady: false });
    };
    void this.#serial.run(id, mark).catch((error: unknown) => {
      this.#context.logger.error({ id, error: chainOf(error) }, "recording a sandbox's end");
    });
  }

  /** Frees network and namespaces; what is stopped already stays so. Containers must be gone. */
  async stop(id: string): Promise<void> {
    await this.#serial.run(id, async () => {
      const record = this.#store.get(id);
      if (record === undefined) return;
      await this.#release(record);
      if (record.isReady) await this.#store.put({ ...record, isReady: false });
    });
  }

  /** Succeeds when there is none. */
  async remove(id: string): Promise<void> {
    await this.#serial.run(id, async () => {
      const record = this.#store.get(id);
      if (record === undefined) return;
      await this.#release(record);
      await this.#store.remove(id);
      await this.#removeCgroup(record);
    });
  }

  /** What the sandbox's containers join and see. */
  paths(record: SandboxRecord): SpecPaths {
    return this.#paths(record.id, record.config);
  }

  #paths(id: string, config: PodSandboxConfig): SpecPaths {
    const kinds = pinnedKinds(config);
    const folder = this.#store.folder(id);
    const pin = (kind: PinnedKind): Partial<Record<PinnedKind, string>> =>
      kinds.includes(kind) ? { [kind]: this.#namespaces.path(id, kind) } : {};
    return {
      hosts: join(folder, "hosts"),
      resolvConf: join(folder, "resolv.conf"),
      hostname: join(folder, "hostname"),
      shm: kinds.includes("ipc") ? this.#shm(id) : "/dev/shm",
      ...pin("network"),
      ...pin("ipc"),
      ...pin("uts"),
      ...pin("user"),
    };
  }

  hostname({ hostname, linux }: PodSandboxConfig): string {
    const isHost = linux?.securityContext?.namespaceOptions?.network === NamespaceMode.NODE;
    return isHost || !hostname ? this.#context.host.hostname : hostname;
  }

  #check(config: PodSandboxConfig): void {
    const metadata = required(config.metadata, "sandbox metadata");
    required(metadata.name, "sandbox name");
    required(metadata.namespace, "sandbox namespace");
    required(metadata.uid, "sandbox uid");
    const taken = this.list().find((other) => nameOf(other.config) === nameOf(config));
    if (taken !== undefined) {
      throw new CriError("ALREADY_EXISTS", `sandbox ${nameOf(config)} is there: ${taken.id}`);
    }
    if ((config.hostname ?? "").length > hostnameCharactersMax) {
      throw invalid(`hostname is longer than ${hostnameCharactersMax} characters`);
    }
    if (podIds(namespaceOptions(config)) !== undefined && !this.#context.host.userNamespaces) {
      throw invalid("user namespaces of pods need Linux 5.19");
    }
    const pins = Object.fromEntries(pinnedKinds(config).map((kind) => [kind, kind]));
    for (const name of Object.keys(config.linux?.sysctls ?? {})) {
      if (!isPodSysctl(name, pins)) throw invalid(`sysctl ${name} is not one of a pod's own`);
    }
  }

  async #attach(record: SandboxRecord): Promise<readonly string[]> {
    const { ips } = await this.#context.network.attach(this.#networkSandbox(record));
    return ips;
  }

  #networkSandbox({ id, config }: SandboxRecord): NetworkSandbox {
    return {
      id,
      netns: this.#namespaces.path(id, "network"),
      podName: config.metadata?.name ?? "",
      podNamespace: config.metadata?.namespace ?? "",
      podUid: config.metadata?.uid ?? "",
      hostPorts: hostPortsOf(config),
    };
  }

  async #release(record: SandboxRecord): Promise<void> {
    const kinds = pinnedKinds(record.config);
    if (needsPause(record.config)) await this.#pauses.stop(record.id);
    if (kinds.includes("network")) await this.#context.network.detach(this.#networkSandbox(record));
    this.#namespaces.unmount(this.#shm(record.id));
    await rm(join(this.#context.paths.run, "sandboxes", record.id), {
      recursive: true,
      force: true,
    });
    await this.#namespaces.remove(record.id);
  }

  /** Where we made the pod's cgroup and nobody else uses it, it goes with the last sandbox. */
  async #removeCgroup({ config }: SandboxRecord): Promise<void> {
    for (const folder of cgroupFolders(this.#context.cgroups, cgroupParentOf(config))) {
      // Refused while anything is in it; the kubelet removes those that it has made itself.
      await rmdir(folder).catch(() => {});
    }
  }

  #shm(id: string): string {
    return join(this.#context.paths.run, "sandboxes", id, "shm");
  }

  /** Shared memory belongs to the ipc namespace that it is used with. */
  async #mountShm({ id, config }: SandboxRecord): Promise<void> {
    if (!pinnedKinds(config).includes("ipc")) return;
    const path = this.#shm(id);
    await mkdir(path, { recursive: true, mode: 0o711 });
    const flags = ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"] as const;
    this.#context.kernel.call("mount", ["shm", path, "tmpfs", flags, shmOptions], path);
  }

  async #writeFiles(record: SandboxRecord): Promise<void> {
    const { hostFiles } = this.#context;
    const paths = this.paths(record);
    const hostname = this.hostname(record.config);
    const isHostNetwork = paths.network === undefined;
    const host = await hostFiles();
    const hosts = planHosts({ hostname, ips: record.ips, isHostNetwork }, host);
    await writeFile(paths.hosts, hosts, { mode: 0o644 });
    await writeFile(paths.resolvConf, planResolvConf(record.config.dnsConfig, host));
    await writeFile(paths.hostname, `${hostname}\n`);
  }
}

/** The node's own files, read when a pod is made: they change under us. */
export const readHostFiles = async (): Promise<{ hosts: string; resolvConf: string }> => ({
  hosts: await readFile("/etc/hosts", "utf8").catch(() => "127.0.0.1\tlocalhost\n"),
  resolvConf: await readFile("/etc/resolv.conf", "utf8").catch(() => ""),
});

/** Namespaces that are the pod's own. A pod on the host's network has the host's name too. */
export function pinnedKinds(config: PodSandboxConfig): readonly PinnedKind[] {
  const options = namespaceOptions(config);
  const { network, ipc } = options;
  const isHostNetwork = network === NamespaceMode.NODE;
  return [
    ...(isHostNetwork ? [] : (["network", "uts"] as const)),
    ...(ipc === NamespaceMode.NODE ? [] : (["ipc"] as const)),
    ...(podIds(options) === undefined ? [] : (["user"] as const)),
  ];
}

const namespaceOptions = ({ linux }: PodSandboxConfig): NamespaceOption =>
  linux?.securityContext?.namespaceOptions ?? {};

/** Unique among the sandboxes of a node. */
const nameOf = ({ metadata = {} }: PodSandboxConfig): string =>
  [metadata.name, metadata.namespace, metadata.uid, metadata.attempt ?? 0].join("_");

const protocols = {
  [Protocol.TCP]: "TCP",
  [Protocol.UDP]: "UDP",
  [Protocol.SCTP]: "SCTP",
} as const;

const hostPortsOf = ({ portMappings = [] }: PodSandboxConfig): readonly HostPort[] =>
  portMappings
    .filter(({ hostPort = 0 }) => hostPort > 0)
    .map(({ protocol = Protocol.TCP, containerPort = 0, hostPort = 0, hostIp = "" }) => ({
      protocol: protocols[protocol],
      containerPort,
      hostPort,
      hostIp,
    }));
