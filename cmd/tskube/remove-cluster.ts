import { existsSync, readFileSync, readdirSync, realpathSync, rmdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { runPhases, type Phase } from "../../pkg/base/phases.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { connectSupervisor } from "../../pkg/cri/supervisor-client.ts";
import { openNetlink } from "../../pkg/linux/netlink.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import { removeBridgeNetwork } from "../../pkg/podnetwork/bridge-network.ts";
import { removeNodeRoutes } from "../../pkg/podnetwork/node-routes.ts";
import { removeServiceTable } from "../../pkg/proxy/service-proxy.ts";
import { silentLogger } from "../../pkg/telemetry/logger.ts";
import { endSupervisor, isAlive, sendSignal } from "../wiring/end-process.ts";
import { podCgroupRoot } from "../wiring/node.ts";
import { ownProgram } from "../wiring/sibling-program.ts";
import { endKept } from "./kept-process.ts";

export interface Removal {
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly podLogsPath: string;
  readonly bridge: string;
  readonly keepsData: boolean;
  /** The program that is also the supervisor; absent: this one. */
  readonly program?: string;
  readonly say: (line: string) => void;
}

const cgroupAttemptsMax = 100;

const stopUp = ({ runFolder, say }: Removal): Promise<void> =>
  endKept(runFolder, (pid) => say(`stopped tskube up (pid ${pid})`));

const supervisorFolder = (runFolder: string): string => join(runFolder, "supervisor");

async function endContainers({ runFolder, program, say }: Removal): Promise<void> {
  const stateFolder = supervisorFolder(runFolder);
  if (!existsSync(stateFolder)) return;
  const [start, ...words] = ownProgram("supervisor", program);
  const command = [start, ...words, stateFolder] as const;
  const supervisor = await connectSupervisor({
    stateFolder,
    command,
    clock: systemClock,
    logger: silentLogger,
  });
  const { running, exited } = await supervisor.list();
  for (const { id } of [...running, ...exited]) await supervisor.remove(id);
  await supervisor.close();
  await endSupervisor(stateFolder);
  say(`ended ${running.length} containers and their supervisor`);
}

function removeNetwork({ bridge, say }: Removal): void {
  const nftables = openNftables();
  removeServiceTable(nftables);
  removeBridgeNetwork(bridge, nftables);
  using netlink = openNetlink();
  removeNodeRoutes(netlink, nftables);
  say(`removed the bridge ${bridge}, the routes to other nodes' pods and the nftables tables`);
}

/** A folder may be a link to a larger disk; the kernel names its mounts by where they are. */
const realFolders = (folders: readonly string[]): readonly string[] =>
  folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder));

/** Mount points below the folders, the deepest first (proc(5), mountinfo: the fifth field). */
function mountsBelow(folders: readonly string[]): readonly string[] {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replaceAll(/\\(\d{3})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      ),
    );
  return points
    .filter((point) => folders.some((folder) => point.startsWith(`${folder}/`)))
    .toReversed();
}

function removeMounts({ runFolder, dataFolder, say }: Removal): void {
  const kernel = systemKernel();
  const points = mountsBelow(realFolders([runFolder, dataFolder]));
  for (const point of points) kernel.call("umount2", [point, ["MNT_DETACH"]], point);
  if (points.length > 0) say(`unmounted ${points.length} namespaces and volumes`);
}

/** Empty cgroups that pods left behind, in every hierarchy, the deepest first. */
async function removeCgroups(removal: Removal): Promise<void> {
  const roots = readdirSync("/sys/fs/cgroup", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join("/sys/fs/cgroup", entry.name));
  let count = 0;
  for (const root of ["/sys/fs/cgroup", ...roots]) {
    count += await removeCgroupTree(join(root, podCgroupRoot(removal.runFolder)));
  }
  if (count > 0) removal.say(`removed ${count} cgroups`);
}

/** Containers whose supervisor and records are gone: their cgroup still says that they are ours. */
function killIn(folder: string): void {
  const pids = readFileSync(join(folder, "cgroup.procs"), "utf8")
    .split("\n")
    .filter((pid) => pid !== "");
  for (const pid of pids.map(Number))
    if (pid !== process.pid && isAlive(pid)) sendSignal(pid, "SIGKILL");
}

async function removeCgroupTree(folder: string): Promise<number> {
  if (!existsSync(folder)) return 0;
  killIn(folder);
  const inner = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  let count = 1;
  for (const { name } of inner) count += await removeCgroupTree(join(folder, name));
  for (let attempt = 1; ; attempt++) {
    try {
      // A cgroup is removed by rmdir alone: its files are the kernel's.
      rmdirSync(folder);
      return count;
    } catch (error) {
      // Killed processes leave their cgroup when they are gone, not when the signal is sent.
      if (attempt >= cgroupAttemptsMax) throw error;
      await systemClock.sleep(20);
    }
  }
}

async function removeFiles({ keepsData, say, ...folders }: Removal): Promise<void> {
  const data = keepsData ? [] : [folders.configFolder, folders.dataFolder, folders.podLogsPath];
  for (const folder of [folders.runFolder, ...data]) {
    if (!existsSync(folder)) continue;
    await removeFolder(folder);
    say(`removed ${folder}`);
  }
}

/** What something is mounted on, or a link to it, stays; what is in it goes. */
async function removeFolder(folder: string): Promise<void> {
  for (const name of readdirSync(folder)) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "EBUSY" && code !== "ENOTDIR") throw error;
  }
}

const phases: readonly Phase<Removal>[] = [
  { name: "up", because: "nothing may start containers again", run: stopUp },
  { name: "containers", because: "they hold mounts, namespaces and cgroups", run: endContainers },
  {
    name: "network",
    because: "links of pods end with the bridge's table",
    run: async (removal) => removeNetwork(removal),
  },
  {
    name: "mounts",
    because: "files below them cannot be removed",
    run: async (removal) => removeMounts(removal),
  },
  {
    name: "cgroups",
    because: "they are empty now",
    run: removeCgroups,
  },
  { name: "files", because: "nobody uses them any more", run: removeFiles },
];

/** Takes a cluster of this machine apart. Safe to run again, and where there is none. */
export const removeCluster = (removal: Removal): Promise<void> => runPhases(phases, removal);
