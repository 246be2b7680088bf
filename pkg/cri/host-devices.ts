import { lstat, readdir, realpath, stat } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join } from "node:path";
import type { Device } from "../../api/cri/v1.ts";
import { invalid } from "./cri-error.ts";
import type { HostDevice } from "./spec-input.ts";

/** Folders of /dev that each container has of its own. */
const ownFolders = new Set(["/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd"]);
const ownNodes = new Set(["/dev/console", "/dev/ptmx", "/dev/tty"]);

/** Nodes that CRI devices name; a folder stands for all nodes in it. */
export async function readDevices(devices: readonly Device[]): Promise<readonly HostDevice[]> {
  const found: HostDevice[] = [];
  for (const { hostPath = "", containerPath, permissions = "" } of devices) {
    if (permissions !== "" && !/^[rwm]{1,3}$/.test(permissions)) {
      throw invalid(`device ${hostPath}: permissions ${JSON.stringify(permissions)}`);
    }
    const real = await realpath(hostPath).catch(() => hostPath);
    const nodes = await walk(real);
    if (nodes.length === 0) throw invalid(`${hostPath} is no device`);
    const inside = containerPath || hostPath;
    for (const { path, stats } of nodes) {
      const node = deviceOf(path.replace(real, inside), stats, permissions || "rwm");
      if (node !== undefined) found.push(node);
    }
  }
  return found;
}

/** All of the host's, for a privileged container. */
export async function readAllDevices(): Promise<readonly HostDevice[]> {
  const nodes = await walk("/dev");
  return nodes.flatMap(({ path, stats }) =>
    ownNodes.has(path) ? [] : (deviceOf(path, stats, "rwm") ?? []),
  );
}

async function walk(path: string): Promise<readonly { path: string; stats: Stats }[]> {
  const stats = await (path === "/dev" ? stat(path) : lstat(path)).catch(() => undefined);
  if (stats === undefined || ownFolders.has(path)) return [];
  if (!stats.isDirectory()) {
    return stats.isCharacterDevice() || stats.isBlockDevice() ? [{ path, stats }] : [];
  }
  const names = await readdir(path).catch(() => []);
  return (await Promise.all(names.map(async (name) => await walk(join(path, name))))).flat();
}

function deviceOf(path: string, stats: Stats, access: string): HostDevice | undefined {
  const { rdev, mode, uid, gid } = stats;
  return {
    path,
    type: stats.isBlockDevice() ? "b" : "c",
    // glibc's dev_t, as stat(2) gives it.
    major: ((rdev >>> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff),
    minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
    fileMode: mode & 0o777,
    uid,
    gid,
    access,
  };
}
