import { existsSync, readdirSync, readFileSync } from "node:fs";
import {
  cgroupFolders,
  controllerFolder,
  parseCgroupHost,
  type CgroupHost,
} from "./cgroup-host.ts";
import {
  cgroupPrefixes,
  planControllers,
  planDeviceWrites,
  planFolder,
  planLimits,
  planWrites,
  type DeviceRuleLike,
  type Limits,
  type Write,
} from "./cgroup-plan.ts";
import { attachDeviceRules } from "./device-filter.ts";
import type { Kernel } from "./kernel.ts";
import { SystemCallError } from "./errno.ts";

/** How cgroups are mounted here. */
export const readCgroupHost = (): CgroupHost =>
  parseCgroupHost(readFileSync("/proc/self/mountinfo", "utf8"), (mount) =>
    readFileSync(`${mount}/cgroup.controllers`, "utf8"),
  );

export type CgroupLimits = Limits & { readonly deviceRules?: readonly DeviceRuleLike[] };

/**
 * Makes the cgroup at `path` (absolute from each hierarchy's root, such as /kubepods/pod1/a) and
 * sets its limits. Idempotent. Refuses the root, where everybody lives.
 */
export function createCgroup(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  limits: CgroupLimits,
): void {
  const clean = cleanCgroupPath(path);
  const steps = [...planFolder(host, clean), ...planWrites(host, clean, limitWrites(host, limits))];
  try {
    kernel.play(steps);
  } catch (error) {
    // The folder above is not there yet: the first container of its kind, or of its pod.
    if (!(error instanceof SystemCallError && error.code === "ENOENT")) throw error;
    for (const parent of cgroupPrefixes(clean).slice(0, -1)) createParent(kernel, host, parent);
    kernel.play(steps);
  }
  restrictDevices(kernel, host, clean, limits.deviceRules ?? []);
}

/** Where no v1 hierarchy does it, a program of the v2 cgroup decides on devices. */
function restrictDevices(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  rules: readonly DeviceRuleLike[],
): void {
  if (rules.length === 0 || controllerFolder(host, "devices", path) !== undefined) return;
  const folder = openUnified(kernel, host, path);
  if (folder === undefined) return;
  try {
    attachDeviceRules(kernel, folder, rules);
  } finally {
    kernel.call("close", [folder]);
  }
}

/** What is there stays as it is: its limits are another's. */
function createParent(kernel: Kernel, host: CgroupHost, path: string): void {
  const isThere = cgroupFolders(host, path).every((folder) => existsSync(folder));
  if (!isThere) kernel.play(planFolder(host, path));
  kernel.play(planControllers(host, path));
}

const limitWrites = (host: CgroupHost, limits: CgroupLimits): readonly Write[] => [
  ...planLimits(host, limits),
  ...planDeviceWrites(limits.deviceRules ?? []),
];

/** Sets limits of a cgroup that exists. */
export function updateCgroup(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  limits: CgroupLimits,
): void {
  const clean = cleanCgroupPath(path);
  const writes = orderMemory(host, clean, limitWrites(host, limits));
  kernel.play(planWrites(host, clean, writes));
}

/** v1 refuses memory above memory and swap at any time: grow the outer limit first. */
function orderMemory<W extends { readonly file: string; readonly content: string }>(
  host: CgroupHost,
  path: string,
  writes: readonly W[],
): readonly W[] {
  const swap = writes.find(({ file }) => file === "memory.memsw.limit_in_bytes");
  const folder = controllerFolder(host, "memory", path);
  if (swap === undefined || folder === undefined) return writes;
  const now = Number(readIfThere(`${folder}/memory.memsw.limit_in_bytes`) ?? Infinity);
  const wanted = Number(swap.content);
  const grows = wanted < 0 || wanted > now;
  return grows ? [swap, ...writes.filter((write) => write !== swap)] : writes;
}

/** "/a/../b" would leave the tree that we own. Throws; also for the root. */
export function cleanCgroupPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) throw new Error(`bad cgroup path ${path}`);
  return `/${parts.join("/")}`;
}

function writeFile(kernel: Kernel, path: string, content: string): void {
  const fd = kernel.call("openat", [["AT_FDCWD"], path, ["O_WRONLY", "O_CLOEXEC"]], path);
  try {
    kernel.call("write", [fd, content, Buffer.byteLength(content)], path);
  } finally {
    kernel.call("close", [fd]);
  }
}

/** The v2 folder of the cgroup, for a process to be born in; the caller closes it. */
export function openUnified(kernel: Kernel, host: CgroupHost, path: string): number | undefined {
  if (host.unified === undefined) return undefined;
  const folder = `${host.unified}${cleanCgroupPath(path)}`;
  const flags = ["O_RDONLY", "O_DIRECTORY", "O_CLOEXEC"] as const;
  return kernel.call("openat", [["AT_FDCWD"], folder, flags], folder);
}

/** Every process of the cgroup and of those below it, in our pid namespace. */
export function cgroupProcesses(host: CgroupHost, path: string): readonly number[] {
  const [folder] = cgroupFolders(host, cleanCgroupPath(path)).slice(-1);
  return folder === undefined ? [] : processesBelow(folder);
}

function processesBelow(folder: string): readonly number[] {
  const own = (readIfThere(`${folder}/cgroup.procs`) ?? "").split("\n").filter(Boolean);
  return [...own.map(Number), ...childFolders(folder).flatMap(processesBelow)];
}

const childFolders = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${folder}/${name}`);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
};

/** Removes the cgroup and those below it. Throws EBUSY while a process is left in it. */
export function removeCgroup(kernel: Kernel, host: CgroupHost, path: string): void {
  const folders = cgroupFolders(host, cleanCgroupPath(path));
  const { failures } = kernel.play(
    folders.map((folder) => ({
      call: "unlinkat",
      args: [["AT_FDCWD"], folder, ["AT_REMOVEDIR"]],
      because: "nobody is in it any more",
      may: ["ENOENT", "EBUSY"],
    })),
  );
  if (failures.some(({ errno }) => errno === EBUSY)) {
    for (const folder of folders) removeTree(kernel, folder);
  }
}

const EBUSY = 16;

function removeTree(kernel: Kernel, folder: string): void {
  const remove = (): void => {
    kernel.call("unlinkat", [["AT_FDCWD"], folder, ["AT_REMOVEDIR"]], folder);
  };
  try {
    remove();
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    if (error.code === "ENOENT") return;
    const children = error.code === "EBUSY" ? childFolders(folder) : [];
    if (children.length === 0) throw error;
    for (const child of children) removeTree(kernel, child);
    remove();
  }
}

/** SIGKILL to every process: in one write on v2, else until nobody is left to fork. */
export function killCgroup(kernel: Kernel, host: CgroupHost, path: string): void {
  const clean = cleanCgroupPath(path);
  if (host.unified !== undefined) {
    try {
      return writeFile(kernel, `${host.unified}${clean}/cgroup.kill`, "1");
    } catch (error) {
      // Linux before 5.14 has no such file; a cgroup that is gone has nobody to kill.
      if (!isGone(error)) throw error;
    }
  }
  const roundsMax = 100; // a fork bomb is bounded by pids.max; each round kills all it saw
  for (let round = 0; round < roundsMax; round++) {
    const pids = cgroupProcesses(host, clean);
    if (pids.length === 0) return;
    for (const pid of pids) signalQuietly(kernel, pid, 9);
  }
}

/** To every process of the cgroup. */
export function signalCgroup(kernel: Kernel, host: CgroupHost, path: string, signal: number): void {
  for (const pid of cgroupProcesses(host, path)) signalQuietly(kernel, pid, signal);
}

function signalQuietly(kernel: Kernel, pid: number, signal: number): void {
  try {
    kernel.call("kill", [pid, signal], String(pid));
  } catch (error) {
    if (!(error instanceof SystemCallError && error.code === "ESRCH")) throw error;
  }
}

/** How many processes of the cgroup the kernel has killed for want of memory. */
export function oomKills(host: CgroupHost, path: string): number {
  const folder = controllerFolder(host, "memory", path);
  if (folder === undefined) return 0;
  const text =
    readIfThere(`${folder}/memory.events`) ?? readIfThere(`${folder}/memory.oom_control`) ?? "";
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Stops or continues every process of the cgroup. */
export function freezeCgroup(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  isFrozen: boolean,
): void {
  const v1 = host.hierarchies.find(({ controllers }) => controllers.includes("freezer"))?.mount;
  if (v1 === undefined) {
    writeFile(kernel, `${host.unified ?? ""}${path}/cgroup.freeze`, isFrozen ? "1" : "0");
  } else {
    writeFile(kernel, `${v1}${path}/freezer.state`, isFrozen ? "FROZEN" : "THAWED");
  }
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ENOENT" || error.code === "ENODEV" || error.code === "ENOTDIR");
