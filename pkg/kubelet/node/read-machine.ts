import { readFile, statfs } from "node:fs/promises";
import { arch, cpus, hostname, networkInterfaces, release, totalmem } from "node:os";
import type { Machine, MachineReadings } from "./machine.ts";

export interface MachineOptions {
  /** Any path on the file system whose space counts. */
  readonly diskPath: string;
  /** Absent: what the machine calls itself. */
  readonly hostname?: string;
  /** Absent: the addresses of its interfaces, but for loopback, link-local and containers' ones. */
  readonly addresses?: readonly string[];
}

const text = async (path: string): Promise<string> =>
  (await readFile(path, "utf8").catch(() => "")).trim();

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** The real machine, as /proc, /sys and /etc tell of it. */
export async function readMachine(options: MachineOptions): Promise<Machine> {
  const { diskPath } = options;
  const [release1, machineID, systemUUID, bootID, disk, memory] = await Promise.all([
    text("/etc/os-release"),
    text("/etc/machine-id"),
    text("/sys/class/dmi/id/product_uuid"),
    text("/proc/sys/kernel/random/boot_id"),
    statfs(diskPath),
    text("/proc/meminfo"),
  ]);
  const osImage = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(release1)?.[1] ?? "Linux";
  return {
    hostname: (options.hostname ?? hostname()).toLowerCase(),
    addresses: options.addresses ?? ownAddresses(),
    cpuMillis: cpus().length * 1000,
    memoryBytes: totalmem(),
    swapBytes: kilobytes(memory, "SwapTotal") * 1024,
    diskBytes: disk.blocks * disk.bsize,
    info: {
      machineID,
      systemUUID: systemUUID || machineID,
      bootID,
      kernelVersion: release(),
      osImage,
      operatingSystem: "linux",
      architecture: goArchitectures[arch()] ?? arch(),
    },
    read: () => readings(diskPath),
  };
}

const kilobytes = (meminfo: string, name: string): number =>
  Number(new RegExp(`^${name}: *([0-9]+) kB`, "m").exec(meminfo)?.[1] ?? 0);

async function readings(diskPath: string): Promise<MachineReadings> {
  const [meminfo, disk, loadavg, pidMax] = await Promise.all([
    text("/proc/meminfo"),
    statfs(diskPath),
    text("/proc/loadavg"),
    text("/proc/sys/kernel/pid_max"),
  ]);
  return {
    memoryAvailableBytes: kilobytes(meminfo, "MemAvailable") * 1024,
    diskAvailableBytes: disk.bavail * disk.bsize,
    inodesFreeShare: disk.files === 0 ? 1 : disk.ffree / disk.files,
    // "0.20 0.18 0.12 1/80 11206": running and all, in the fourth field.
    processes: Number(loadavg.split(" ")[3]?.split("/")[1] ?? 0),
    processesMax: Number(pidMax) || 32_768,
  };
}

/** Interfaces that containers' networks make: their addresses are not the node's. */
const containerInterface = /^(veth|docker|cni|tskube|br-|virbr|flannel|cali|kube)/;

function ownAddresses(): readonly string[] {
  const found = Object.entries(networkInterfaces())
    .filter(([name]) => !containerInterface.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const v4 = found.filter(({ family }) => family === "IPv4").map(({ address }) => address);
  const v6 = found.filter(({ family }) => family === "IPv6").map(({ address }) => address);
  const first = [v4[0], v6[0]].filter((address) => address !== undefined);
  return first.length === 0 ? ["127.0.0.1"] : first;
}

/** resolv.conf as the fields that the runtime wants. */
export function parseResolvConf(conf: string): {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
} {
  const lines = conf.split("\n").map((line) => line.trim().split(/\s+/));
  const words = (key: string): readonly string[] =>
    lines.filter(([first]) => first === key).flatMap(([, ...rest]) => rest);
  const lastSearch = lines.findLast(([first]) => first === "search" || first === "domain");
  return {
    servers: words("nameserver"),
    searches: lastSearch?.slice(1) ?? [],
    options: words("options"),
  };
}

export const hostDns = async (
  path = "/etc/resolv.conf",
): Promise<ReturnType<typeof parseResolvConf>> => parseResolvConf(await text(path));
