/**
 * What is written where for a cgroup: pure. Limits are a table, one row a limit and style. The
 * caller speaks OCI; this file is the only one that knows both of the kernel's dialects.
 */
import { cgroupFolders, controllerFolder, type CgroupHost } from "./cgroup-host.ts";
import type { Syscall } from "./syscall.ts";

/** A file under the cgroup's folder of `controller`, and its content. */
export interface Write {
  readonly controller: string;
  readonly file: string;
  readonly content: string;
  /** Errors that do not matter, beside a controller that is not there. */
  readonly may?: readonly string[];
}

/** The limits of the OCI specification's `linux.resources`, structurally. */
export interface Limits {
  readonly pids?: { readonly limit: number };
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly burst?: number;
    readonly period?: number;
    readonly cpus?: string;
    readonly mems?: string;
    readonly idle?: number;
  };
  readonly blockIO?: { readonly weight?: number };
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly unified?: Readonly<Record<string, string>>;
  readonly devices?: readonly DeviceRuleLike[];
}

export interface DeviceRuleLike {
  readonly allow: boolean;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly access?: string;
}

/** A controller is enabled for a container if its host has it; these are all we set. */
const v2Controllers = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"];

/** Which style a controller has on this host: on hybrid hosts it may be either. */
const isV1 = (host: CgroupHost, controller: string): boolean =>
  host.hierarchies.some(({ controllers }) => controllers.includes(controller));

/** The writes for limits; the device rules are apart (`planDeviceWrites`, or BPF on v2). */
export function planLimits(host: CgroupHost, limits: Limits): readonly Write[] {
  const { pids, memory, cpu, blockIO } = limits;
  const writes: Write[] = [];
  if (pids !== undefined) writes.push(write("pids", "pids.max", atMost(pids.limit)));
  if (memory !== undefined) {
    writes.push(...(isV1(host, "memory") ? memoryV1(memory) : memoryV2(memory)));
  }
  if (cpu !== undefined) {
    writes.push(...(isV1(host, "cpu") ? cpuV1(cpu) : cpuV2(cpu)), ...cpuset(cpu));
  }
  if (blockIO?.weight !== undefined && blockIO.weight > 0) {
    writes.push(
      isV1(host, "blkio")
        ? { ...write("blkio", "blkio.bfq.weight", String(blockIO.weight)), may: ["ENOENT"] }
        : { ...write("io", "io.bfq.weight", String(blockIO.weight)), may: ["ENOENT"] },
    );
  }
  for (const { pageSize, limit } of limits.hugepageLimits ?? []) {
    const suffix = isV1(host, "hugetlb") ? "limit_in_bytes" : "max";
    writes.push(write("hugetlb", `hugetlb.${pageSize}.${suffix}`, integer(limit)));
  }
  for (const [file, content] of Object.entries(limits.unified ?? {})) {
    writes.push(write(file.split(".")[0] ?? file, file, content));
  }
  return writes.filter(({ controller }) => controllerFolder(host, controller, "") !== undefined);
}

const write = (controller: string, file: string, content: string): Write => ({
  controller,
  file,
  content,
});

/** OCI: zero and below mean no limit. */
const atMost = (limit: number): string => (limit > 0 ? integer(limit) : "max");

/** Beyond 2^63 the JSON number was rounded: unlimited. */
const integer = (value: number): string =>
  value >= 2 ** 63 ? "9223372036854771712" : BigInt(Math.trunc(value)).toString();

function memoryV1(memory: NonNullable<Limits["memory"]>): readonly Write[] {
  const { limit, reservation, swap, swappiness, disableOOMKiller } = memory;
  const bytes = (value: number): string => (value < 0 ? "-1" : integer(value));
  return [
    ...(limit === undefined || limit === 0
      ? []
      : [write("memory", "memory.limit_in_bytes", bytes(limit))]),
    // Kernels without swap accounting lack the file; the limit above holds without it.
    ...(swap === undefined || swap === 0
      ? []
      : [
          {
            ...write("memory", "memory.memsw.limit_in_bytes", bytes(swap)),
            may: ["ENOENT", "EOPNOTSUPP"],
          },
        ]),
    ...(reservation === undefined || reservation === 0
      ? []
      : [write("memory", "memory.soft_limit_in_bytes", bytes(reservation))]),
    ...(swappiness === undefined ? [] : [write("memory", "memory.swappiness", String(swappiness))]),
    ...(disableOOMKiller === true ? [write("memory", "memory.oom_control", "1")] : []),
  ];
}

function memoryV2({ limit, reservation, swap }: NonNullable<Limits["memory"]>): readonly Write[] {
  const max = (value: number): string => (value < 0 ? "max" : integer(value));
  const swapOnly =
    swap === undefined || swap === 0
      ? undefined
      : swap < 0
        ? "max"
        : // v1 counts memory and swap together, v2 swap alone.
          integer(Math.max(0, swap - Math.max(0, limit ?? 0)));
  return [
    ...(limit === undefined || limit === 0 ? [] : [write("memory", "memory.max", max(limit))]),
    ...(swapOnly === undefined
      ? []
      : [{ ...write("memory", "memory.swap.max", swapOnly), may: ["ENOENT"] }]),
    ...(reservation === undefined || reservation === 0
      ? []
      : [write("memory", "memory.low", max(reservation))]),
  ];
}

function cpuV1({ shares, quota, period, burst, idle }: NonNullable<Limits["cpu"]>): Write[] {
  return [
    ...(shares === undefined || shares === 0
      ? []
      : [write("cpu", "cpu.shares", String(Math.max(2, shares)))]),
    ...(period === undefined || period === 0
      ? []
      : [write("cpu", "cpu.cfs_period_us", String(period))]),
    ...(quota === undefined || quota === 0
      ? []
      : [write("cpu", "cpu.cfs_quota_us", quota < 0 ? "-1" : String(quota))]),
    ...(burst === undefined ? [] : [write("cpu", "cpu.cfs_burst_us", String(burst))]),
    ...(idle === undefined ? [] : [write("cpu", "cpu.idle", String(idle))]),
  ];
}

function cpuV2({ shares, quota, period, burst, idle }: NonNullable<Limits["cpu"]>): Write[] {
  const max = quota === undefined || quota === 0 ? undefined : quota < 0 ? "max" : String(quota);
  return [
    ...(shares === undefined || shares === 0
      ? []
      : [write("cpu", "cpu.weight", String(cpuWeight(shares)))]),
    ...(max === undefined && (period === undefined || period === 0)
      ? []
      : [write("cpu", "cpu.max", `${max ?? "max"} ${period || 100_000}`)]),
    ...(burst === undefined ? [] : [write("cpu", "cpu.max.burst", String(burst))]),
    ...(idle === undefined ? [] : [write("cpu", "cpu.idle", String(idle))]),
  ];
}

/**
 * v1 shares (2–262144, 1024 usual) as v2 weight (1–10000, 100 usual): the quadratic curve through
 * the three pairs of least, usual and most, on logarithmic scales, that OCI runtimes agreed on.
 */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  return Math.ceil(10 ** ((l * l + 125 * l) / 612 - 7 / 34));
}

const cpuset = ({ cpus, mems }: NonNullable<Limits["cpu"]>): Write[] => [
  ...(cpus === undefined || cpus === "" ? [] : [write("cpuset", "cpuset.cpus", cpus)]),
  ...(mems === undefined || mems === "" ? [] : [write("cpuset", "cpuset.mems", mems)]),
];

/** v1's device rules: one write each, in order. v2 takes a BPF program instead. */
export const planDeviceWrites = (rules: readonly DeviceRuleLike[]): readonly Write[] =>
  rules.map(({ allow, type = "a", major, minor, access = "rwm" }) => {
    const number = (value: number | undefined): string =>
      value === undefined || value < 0 ? "*" : String(value);
    const all = type === "a" || type === "";
    const content = all ? "a" : `${type} ${number(major)}:${number(minor)} ${access}`;
    return write("devices", allow ? "devices.allow" : "devices.deny", content);
  });

/** Makes the last folder of `path` in every hierarchy; its parents are there. */
export const planFolder = (host: CgroupHost, path: string): readonly Syscall[] => [
  ...cgroupFolders(host, path).map(makeFolder),
  ...inheritCpuset(host, path),
];

/** On v1 a new cpuset has no CPUs, and nobody may enter it: it takes its parent's. */
function inheritCpuset(host: CgroupHost, path: string): readonly Syscall[] {
  const root = host.hierarchies.find(({ controllers }) => controllers.includes("cpuset"))?.mount;
  if (root === undefined) return [];
  const parent = path.slice(0, path.lastIndexOf("/"));
  return ["cpuset.cpus", "cpuset.mems"].flatMap((file) =>
    planCopy(`${root}${parent}/${file}`, `${root}${path}/${file}`),
  );
}

/** What is read from the one file is written to the other, without a way through JavaScript. */
function planCopy(from: string, to: string): readonly Syscall[] {
  const [reading, writing] = [`${from} `, `${to} `];
  const bytes = 4096; // a list of CPUs, written as ranges, is never longer than a page
  const open = (path: string, access: "O_RDONLY" | "O_WRONLY", as: string): Syscall => ({
    call: "openat",
    args: [["AT_FDCWD"], path, [access, "O_CLOEXEC"]],
    because: "a new cpuset is empty, and takes nobody in",
    as,
  });
  const close = (as: string): Syscall => ({
    call: "close",
    args: [{ result: as }],
    because: "done with it",
  });
  return [
    open(from, "O_RDONLY", reading),
    {
      call: "read",
      args: [{ result: reading }, { out: from, bytes }, bytes],
      because: "as its parent has it",
      as: `${from} length`,
    },
    open(to, "O_WRONLY", writing),
    {
      call: "write",
      args: [{ result: writing }, { seen: from }, { result: `${from} length` }],
      because: "as its parent has it",
    },
    close(reading),
    close(writing),
  ];
}

const makeFolder = (folder: string): Syscall => ({
  call: "mkdirat",
  args: [["AT_FDCWD"], folder, 0o755],
  because: "every hierarchy counts the container",
  may: ["EEXIST"],
});

/** "/a/b/c" gives "/a", "/a/b", "/a/b/c". */
export function cgroupPrefixes(path: string): readonly string[] {
  const parts = path.split("/").filter(Boolean);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

/** v2 gives children only what is handed down, and only one by one may some be missing. */
export function planControllers(host: CgroupHost, prefix: string): readonly Syscall[] {
  if (host.unified === undefined) return [];
  const folder = `${host.unified}${prefix}`;
  return v2Controllers
    .filter((controller) => host.unifiedControllers.includes(controller))
    .flatMap((controller) =>
      planFileWrite(`${folder}/cgroup.subtree_control`, `+${controller}`, "fail"),
    );
}

/** open, write, close. The descriptor's name is unique to the file, as tapes want it. */
export function planFileWrite(
  path: string,
  content: string,
  may?: Syscall["may"],
): readonly Syscall[] {
  const as = `${path}=${content}`;
  const soft = may === undefined ? {} : { may };
  const fd = { result: as };
  return [
    {
      call: "openat",
      args: [["AT_FDCWD"], path, ["O_WRONLY", "O_CLOEXEC"]],
      because: `to write ${content}`,
      as,
      ...soft,
    },
    {
      call: "write",
      args: [fd, content, byteLength(content)],
      because: `${path.slice(path.lastIndexOf("/") + 1)} is ${content}`,
      // A file that was not opened cannot be written: the error was told above.
      ...(may === undefined ? {} : { may: may === "fail" ? may : [...may, "EBADF"] }),
    },
    { call: "close", args: [fd], because: "done with it", may: ["EBADF"] },
  ];
}

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** The writes as calls, below the cgroup at `path`. */
export const planWrites = (
  host: CgroupHost,
  path: string,
  writes: readonly Write[],
): readonly Syscall[] =>
  writes.flatMap(({ controller, file, content, may }) => {
    const folder = controllerFolder(host, controller, path);
    return folder === undefined ? [] : planFileWrite(`${folder}/${file}`, content, may);
  });

/**
 * The v1 files through which a new process enters: "0" written by itself. It is `tasks`: one
 * thread moving itself needs no lock on the whole system's forks. Into v2 it is born
 * (`openUnified`), for the same reason: its cgroup.procs costs a grace period of the kernel's RCU,
 * ten milliseconds and more.
 */
export const joinFiles = (host: CgroupHost, path: string): readonly string[] =>
  host.hierarchies.map(({ mount }) => `${mount}${path}/tasks`);
