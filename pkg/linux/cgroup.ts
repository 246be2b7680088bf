import { readdirSync, readFileSync } from "node:fs";
import {
  cgroupFolders,
  controllerFolder,
  parseCgroupHost,
  type CgroupHost,
} from "./cgroup-host.ts";
import {
  planDeviceWrites,
  planFolders,
  planLimits,
  planWrites,
  type DeviceRuleLike,
  type Limits,
} from "./cgroup-plan.ts";
import type { Kernel } from "./kernel.ts";
import { SystemCallError } from "./errno.ts";

/** How cgroups are mounted here. */
export const readCgroupHost = (): CgroupHost =>
  parseCgroupHost(readFileSync("/proc/self/mountinfo", "utf8"), (mount) =>
    readFileSync(`${mount}/cgroup.controllers`, "utf8"),
  );

/**
 * Makes the cgroup at `path` (absolute from each hierarchy's root, such as /kubepods/pod1/a) and
 * sets its limits. Idempotent. Refuses the root, where everybody lives.
 */
export function createCgroup(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  limits: Limits & { readonly deviceRules?: readonly DeviceRuleLike[] },
): void {
  const clean = cleanCgroupPath(path);
  kernel.play(planFolders(host, clean));
  inheritCpuset(kernel, host, clean);
  updateCgroup(kernel, host, clean, limits);
}

/** Sets limits of a cgroup that exists. */
export function updateCgroup(
  kernel: Kernel,
  host: CgroupHost,
  path: string,
  limits: Limits & { readonly deviceRules?: readonly DeviceRuleLike[] },
): void {
  const writes = [...planLimits(host, limits), ...planDeviceWrites(limits.deviceRules ?? [])];
  kernel.play(planWrites(host, cleanCgroupPath(path), orderMemory(host, path, writes)));
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

/** On v1 a new cpuset has no CPUs, and nobody may enter it: it takes its parent's. */
function inheritCpuset(kernel: Kernel, host: CgroupHost, path: string): void {
  const root = host.hierarchies.find(({ controllers }) => controllers.includes("cpuset"))?.mount;
  if (root === undefined) return;
  const parts = path.split("/").filter(Boolean);
  parts.forEach((_, index) => {
    const parent = [root, ...parts.slice(0, index)].join("/");
    const folder = [root, ...parts.slice(0, index + 1)].join("/");
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (readFileSync(`${folder}/${file}`, "utf8").trim() !== "") continue;
      writeFile(kernel, `${folder}/${file}`, readFileSync(`${parent}/${file}`, "utf8").trim());
    }
  });
}

function writeFile(kernel: Kernel, path: string, content: string): void {
  const fd = kernel.call("openat", [["AT_FDCWD"], path, ["O_WRONLY", "O_CLOEXEC"]], path);
  try {
    kernel.call("write", [fd, content, Buffer.byteLength(content)], path);
  } finally {
    kernel.call("close", [fd]);
  }
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
  for (const folder of cgroupFolders(host, cleanCgroupPath(path))) removeTree(kernel, folder);
}

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
