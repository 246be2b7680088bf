/**
 * A container of /bin/true with full OCI defaults, beside runc, crun and bare unshare(1), in turns
 * so that all see the same machine: node hack/bench/container.ts [rounds]. As root.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Namespace } from "../../api/oci/runtime.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { connectSupervisor } from "../../pkg/cri/supervisor-client.ts";
import type { Supervisor } from "../../pkg/cri/supervisor-contract.ts";
import { readCgroupHost, removeCgroup } from "../../pkg/linux/cgroup.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";
import { execInContainer } from "../../pkg/oci/exec.ts";
import { readHost } from "../../pkg/oci/host.ts";
import { startContainer } from "../../pkg/oci/start.ts";
import { silentLogger } from "../../pkg/telemetry/logger.ts";
import { busyboxRootfs, missingForRootfs } from "../../test/builders/busybox-rootfs.ts";
import { ociSpec } from "../../test/builders/oci-spec.ts";

const rounds = Number(process.argv[2] ?? 40);
const missing = missingForRootfs();
if (missing !== undefined) throw new Error(`cannot run containers here: ${missing}`);

const folder = mkdtempSync(join(tmpdir(), "tskube-bench-"));
const rootfs = busyboxRootfs(join(folder, "rootfs"));
const cgroup = `/tskube/bench-${process.pid}`;
const kernel = systemKernel();
const host = readHost();
const nothing = kernel.call("openat", [["AT_FDCWD"], "/dev/null", ["O_RDWR", "O_CLOEXEC"]]);
const silent = { tty: false, stdin: false, stdinOnce: false } as const;
const samples = new Map<string, number[]>();

const note = (what: string, fromMs: number): void => {
  samples.set(what, [...(samples.get(what) ?? []), performance.now() - fromMs]);
};

/** In this process: what the tape itself costs. */
function tape(round: number, as: string, namespaces?: readonly Namespace[]): void {
  const id = `tape-${round}`;
  const root = { path: rootfs };
  const linux = namespaces === undefined ? {} : { namespaces };
  const spec = ociSpec(`${cgroup}/${id}`, ["/bin/true"], { root, linux });
  const stdio = { as: "descriptors", stdin: nothing, stdout: nothing, stderr: nothing } as const;
  const from = performance.now();
  const { pidfd } = startContainer(kernel, host, { id, spec, stdio });
  note(`tskube: start${as}`, from);
  kernel.call("waitid", [["P_PIDFD"], pidfd, 0, ["WEXITED"], 0]);
  kernel.call("close", [pidfd]);
  removeCgroup(kernel, host.cgroup, `${cgroup}/${id}`);
  note(`tskube: start, run, remove${as}`, from);
}

/** Over the supervisor's socket, with its records, FIFOs and log, until it is removed. */
async function supervised(supervisor: Supervisor, round: number): Promise<void> {
  const id = `supervised-${round}`;
  const spec = ociSpec(`${cgroup}/${id}`, ["/bin/true"], { root: { path: rootfs } });
  const ended = Promise.withResolvers<void>();
  using _listening = supervisor.onExit((exit) => {
    if (exit.id === id) ended.resolve();
  });
  const from = performance.now();
  await supervisor.start({ id, spec, stdio: { ...silent, logPath: join(folder, id) } });
  note("tskube supervisor: start", from);
  await ended.promise;
  await supervisor.remove(id);
  note("tskube supervisor: start, run, remove", from);
}

async function exec(pid: number, id: string): Promise<void> {
  const spec = ociSpec(`${cgroup}/${id}`, ["/bin/true"]);
  const from = performance.now();
  const process = { args: ["/bin/true"], cwd: "/", env: [] };
  using session = execInContainer(kernel, host, { pid, spec, process, stdin: false });
  for await (const _ of session.output);
  await session.exitCode;
  note("tskube: exec", from);
}

function program(what: string, command: readonly [string, ...string[]]): void {
  const [file, ...args] = command;
  const from = performance.now();
  const { status } = spawnSync(file, args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}`);
  note(what, from);
}

/** Tells why not: crun, for one, refuses hosts with both cgroup versions. */
function canRun(name: string): boolean {
  const args = ["run", "--bundle", path, `bench-${process.pid}`];
  const { status, error, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) console.log(`without ${name}: ${error?.message ?? stderr.trim()}`);
  return status === 0;
}

/** The same configuration for the others; they make cgroups of their own choice. */
function bundle(name: string, namespaces?: readonly Namespace[]): string {
  const path = join(folder, name);
  mkdirSync(path);
  const linux = namespaces === undefined ? {} : { namespaces };
  const spec = ociSpec("", ["/bin/true"], { root: { path: rootfs }, linux });
  const user = { uid: 0, gid: 0 };
  const config = {
    ...spec,
    ociVersion: "1.0.2",
    process: { ...spec.process, user },
    linux: { ...spec.linux, cgroupsPath: undefined },
  };
  writeFileSync(join(path, "config.json"), JSON.stringify(config));
  return path;
}

const state = join(folder, "state");
const main = join(import.meta.dirname, "../../cmd/tskube-supervisor/main.ts");
const supervisor = await connectSupervisor({
  stateFolder: state,
  command: [process.execPath, "--no-warnings", main, state],
  clock: systemClock,
  logger: silentLogger,
});
const path = bundle("alone");
const sleeper = await supervisor.start({
  id: "sleeper",
  spec: ociSpec(`${cgroup}/sleeper`, ["sleep", "1000"], { root: { path: rootfs } }),
  stdio: silent,
});
/** A container joins its pod's network, IPC and host name, and has the rest for itself. */
const podNamespaces: readonly Namespace[] = [
  { type: "pid" },
  { type: "mount" },
  { type: "cgroup" },
  { type: "network", path: `/proc/${sleeper.pid}/ns/net` },
  { type: "ipc", path: `/proc/${sleeper.pid}/ns/ipc` },
  { type: "uts", path: `/proc/${sleeper.pid}/ns/uts` },
];
const podPath = bundle("in-pod", podNamespaces);
const others = ["runc", "crun"].filter(canRun);
for (let round = 0; round < rounds; round++) {
  // The first rounds warm up the code of all; they are not counted.
  if (round === Math.min(10, rounds >> 2)) samples.clear();
  tape(round, "");
  tape(round, ", in a pod", podNamespaces);
  await supervised(supervisor, round);
  await exec(sleeper.pid, "sleeper");
  for (const name of others) {
    const id = `bench-${process.pid}-${round}`;
    program(`${name} run`, [name, "run", "--bundle", path, id]);
    program(`${name} run, in a pod`, [name, "run", "--bundle", podPath, id]);
  }
  program("unshare -mpfniu true", ["unshare", "-mpfniu", "true"]);
}
await supervisor.remove("sleeper");
await supervisor.close();
process.kill(Number(execFileSync("pgrep", ["-f", `main.ts ${state}`], { encoding: "utf8" })));
removeCgroup(kernel, readCgroupHost(), cgroup);
rmSync(folder, { recursive: true });

const quantile = (list: readonly number[], share: number): number =>
  list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * share)] ?? Number.NaN;
console.table(
  [...samples].map(([what, list]) => ({
    what,
    runs: list.length,
    "p50 ms": quantile(list, 0.5).toFixed(2),
    "p99 ms": quantile(list, 0.99).toFixed(2),
  })),
);
