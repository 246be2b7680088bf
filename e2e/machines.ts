/**
 * Machines on one host: each has network, mount, UTS, IPC, PID and cgroup namespaces of its own,
 * its own /etc/tskube, /var/lib/tskube, /run, logs and cgroup tree, and a link to a bridge in one
 * more network namespace, the switch; or to the switch itself, which routes. The host's own network
 * is never touched. Needs root, util-linux and iproute2.
 */
import { execFileSync, spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { machineCgroups, removeCgroup, type CgroupMount } from "./machine-cgroups.ts";
import {
  linkCommands,
  machineCommands,
  machinePlace,
  machinesMax,
  switchCommands,
  switchDevice,
  type Links,
} from "./machine-links.ts";

export interface Machine {
  /** machine-1: also its hostname. */
  readonly name: string;
  readonly address: string;
  /** Its process 1, as the host counts. */
  readonly pid: number;
}

export interface Machines {
  /** Distinguishes several sets on one host: letters, digits and hyphens. */
  readonly set: string;
  /** Process that made them, and is to remove them. */
  readonly owner: number;
  /** Process that holds the switch's namespace. */
  readonly switchPid: number;
  readonly machines: readonly Machine[];
}

const stateFolder = "/run/tskube-machines";
/** On a disk: images are unpacked there. Not below what machines see through an overlay. */
const dataFolder = "/var/tmp/tskube-machines";

const stateFile = (set: string): string => join(stateFolder, `${set}.json`);
const nameOf = (number: number): string => `machine-${number}`;
const cgroupOf = (set: string, name: string): string => `tskube-machines-${set}-${name}`;

/** The set as it was made; undefined where there is none. */
export function readMachines(set: string): Machines | undefined {
  return existsSync(stateFile(set))
    ? (JSON.parse(readFileSync(stateFile(set), "utf8")) as Machines)
    : undefined;
}

/** Makes `count` machines. What an earlier set of this name left is removed first. */
export async function makeMachines(
  set: string,
  count: number,
  { links = "shared" }: { readonly links?: Links } = {},
): Promise<Machines> {
  if (!(count >= 1 && count <= machinesMax)) throw new Error(`1 to ${machinesMax} machines`);
  await removeMachines(set);
  mkdirSync(stateFolder, { recursive: true });
  const made: { set: string; owner: number; switchPid: number; machines: Machine[] } = {
    set,
    owner: process.pid,
    switchPid: 0,
    machines: [],
  };
  // Written at every step: whatever stops us, removal finds all that is there.
  const keep = (): void => writeFileSync(stateFile(set), JSON.stringify(made));
  made.switchPid = await holdNamespaces(["--net"], ":");
  keep();
  for (const words of switchCommands(links)) inSwitch(made.switchPid, words);
  for (let number = 1; number <= count; number++) {
    const machine = await makeMachine(set, number, links);
    made.machines.push(machine);
    keep();
    connectMachine(made.switchPid, machine, { number, links });
  }
  return made;
}

/** Says that all is ready, lets go of its output, and waits; a shell that waits reaps orphans. */
const holdScript = "echo ready; exec >/dev/null 2>&1; sleep infinity & wait";

/**
 * Starts a process that only holds namespaces; answers its pid, or of a new PID namespace the 1.
 */
async function holdNamespaces(flags: readonly string[], script: string): Promise<number> {
  const words = [...flags, "sh", "-c", `${script}\n${holdScript}`];
  const child = spawn("unshare", words, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  const ready = Promise.withResolvers<void>();
  child.stderr.on("data", (bytes: Buffer) => said.push(bytes.toString()));
  child.stdout.once("data", () => ready.resolve());
  child.once("error", ready.reject);
  child.once("close", () => ready.reject(new Error(`unshare ended: ${said.join("")}`)));
  await ready.promise;
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  const pid = child.pid ?? 0;
  if (!flags.includes("--pid")) return pid;
  const inner = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0];
  return Number(inner);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const endWaitMs = 10_000;

async function waitForEnd(machine: Machine): Promise<void> {
  for (const until = Date.now() + endWaitMs; isOurs(machine); await pause(20)) {
    if (Date.now() > until) throw new Error(`${machine.name} (pid ${machine.pid}) does not end`);
  }
}

async function makeMachine(set: string, number: number, links: Links): Promise<Machine> {
  const name = nameOf(number);
  const folder = join(dataFolder, set, name);
  mkdirSync(join(folder, "files"), { recursive: true });
  const others = Array.from({ length: machinesMax }, (_, at) => at + 1);
  const hosts = others.map((one) => `${machinePlace(one, links).address} ${nameOf(one)}`);
  writeFileSync(join(folder, "files/hostname"), `${name}\n`);
  writeFileSync(join(folder, "files/hosts"), ["127.0.0.1 localhost", ...hosts, ""].join("\n"));
  const cgroups = machineCgroups(cgroupOf(set, name));
  const pid = await holdNamespaces(
    ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"],
    machineScript(name, folder, cgroups),
  );
  return { name, address: machinePlace(number, links).address, pid };
}

/**
 * What the machine's process 1 does before it only waits. Nothing is mounted on a folder of the
 * host that somebody may remove: a mount goes with its folder, also in other namespaces.
 */
function machineScript(name: string, folder: string, cgroups: readonly CgroupMount[]): string {
  const own = (path: string): string => join(folder, path);
  const overlay = (path: string, at: string): readonly string[] => [
    `mkdir -p ${own(`${at}/upper`)} ${own(`${at}/work`)}`,
    `mount -t overlay -o lowerdir=${path},upperdir=${own(`${at}/upper`)},workdir=${own(`${at}/work`)} overlay ${path}`,
  ];
  const bind = (path: string, at: string): readonly string[] => [
    `mkdir -p ${own(at)} ${path}`,
    `mount --bind ${own(at)} ${path}`,
  ];
  const inner = [
    "set -e",
    ...cgroups.map(({ folder: group, mount }) => `mount --bind ${group} ${mount}`),
    ...overlay("/etc", "etc"),
    ...overlay("/var/lib", "var-lib"),
    ...bind("/var/lib/tskube", "data"),
    ...bind("/var/log", "log"),
    "rm -rf /etc/tskube",
    `cp ${own("files")}/hostname ${own("files")}/hosts /etc/`,
    "mount -t tmpfs -o mode=755 tmpfs /run",
    "mkdir -p /run/lock",
    `hostname ${name}`,
    "ip link set lo up",
    holdScript,
  ];
  const enter = cgroups.map(({ folder: group }) => `echo 0 > ${group}/cgroup.procs`);
  return ["set -e", ...enter, `exec unshare --cgroup sh -c '${inner.join("\n")}'`].join("\n");
}

const run = (program: string, words: readonly string[]): string =>
  execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

const inSwitch = (switchPid: number, words: readonly string[]): string =>
  run("nsenter", ["--target", String(switchPid), "--net", "--", ...words]);

function connectMachine(
  switchPid: number,
  machine: Machine,
  { number, links }: { readonly number: number; readonly links: Links },
): void {
  const link = `m${number}`;
  const peer = ["peer", "name", "eth0", "netns", String(machine.pid)];
  inSwitch(switchPid, ["ip", "link", "add", link, "type", "veth", ...peer]);
  for (const words of linkCommands(link, number, links)) inSwitch(switchPid, words);
  for (const words of machineCommands(number, links)) runIn(machine, words);
}

/** Cuts a machine off the others, or joins it to them again. */
export function setLink(set: Machines, number: number, state: "up" | "down"): void {
  inSwitch(set.switchPid, ["ip", "link", "set", `m${number}`, state]);
}

/** Program and words that run a command inside a machine. */
export const enterWords = (machine: Machine, words: readonly string[]): readonly string[] => [
  "nsenter",
  "--target",
  String(machine.pid),
  "--mount",
  "--net",
  "--uts",
  "--ipc",
  "--pid",
  "--cgroup",
  "--",
  ...words,
];

/** The same for a place on the link that is none of the machines. */
export const outsideWords = (set: Machines, words: readonly string[]): readonly string[] => [
  "nsenter",
  "--target",
  String(set.switchPid),
  "--net",
  "--",
  ...words,
];

/** Runs a command in the machine to its end; throws with its output where it fails. */
export function runIn(machine: Machine, words: readonly string[]): string {
  const [program = "", ...rest] = enterWords(machine, words);
  return run(program, rest);
}

/** The same, and what it said and answered, whatever that is. */
export function tryIn(
  machine: Machine,
  words: readonly string[],
  timeoutMs: number,
): SpawnSyncReturns<string> {
  const [program = "", ...rest] = enterWords(machine, words);
  return spawnSync(program, rest, { encoding: "utf8", timeout: timeoutMs });
}

/**
 * Ends every process of the machines, which ends their namespaces, mounts and links; then files.
 */
export async function removeMachines(set: string): Promise<void> {
  const made = readMachines(set);
  for (const machine of made?.machines ?? []) {
    if (isOurs(machine)) process.kill(machine.pid, "SIGKILL");
    await waitForEnd(machine);
    const groups = machineCgroups(cgroupOf(set, machine.name), false);
    for (const { folder } of groups) await removeEmptied(folder);
  }
  if (made !== undefined && holdsSwitch(made.switchPid)) process.kill(-made.switchPid, "SIGKILL");
  rmSync(join(dataFolder, set), { recursive: true, force: true });
  rmSync(stateFile(set), { force: true });
  for (const folder of [dataFolder, stateFolder]) removeIfEmpty(folder);
}

/** The last processes may still be ending: their cgroup is busy until then. */
async function removeEmptied(folder: string): Promise<void> {
  for (const until = Date.now() + endWaitMs; ; await pause(20)) {
    try {
      return removeCgroup(folder);
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/** Removes the sets of runs that were killed: `prefix` and the pid of who made them. */
export async function removeOrphanedMachines(prefix: string): Promise<void> {
  const files = existsSync(stateFolder) ? readdirSync(stateFolder) : [];
  for (const set of files.map((file) => file.replace(/\.json$/, ""))) {
    const owner = set.startsWith(prefix) ? readMachines(set)?.owner : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await removeMachines(set);
  }
}

/** A pid may have been given to somebody else: a machine is told by its own host name. */
function isOurs({ pid, name }: Machine): boolean {
  const words = ["--target", String(pid), "--uts", "hostname"];
  const answer = spawnSync("nsenter", words, { encoding: "utf8" });
  return answer.status === 0 && answer.stdout.trim() === name;
}

const holdsSwitch = (pid: number): boolean => {
  const show = ["ip", "link", "show", switchDevice];
  return (
    pid > 0 &&
    spawnSync("nsenter", ["--target", String(pid), "--net", ...show]).status === 0 &&
    readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("sleep infinity")
  );
};

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}
