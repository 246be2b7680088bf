/**
 * What an idle pod costs on a node beside its own processes: growth of the CRI daemon and of the
 * supervisor (PSS), and of the kernel's unreclaimable memory, over a number of pods with one
 * container each. Other pods have come and gone before, so that code and pools are warm; with
 * `--warm 1` all that a fresh process takes for its first pods counts too. As root.
 *
 *     node hack/bench/pod-memory.ts [--pods 20] [--warm 40] [--idle-seconds 15]
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openImages } from "../../cmd/wiring/cri-runtime.ts";
import { systemDoors } from "../../cmd/wiring/doors.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { buildDebianImage } from "../../pkg/images/debian-image.ts";
import { busyboxImage } from "../../pkg/images/debian-recipes.ts";
import { connectCri, type CriConnection } from "../../pkg/kubelet/runtime/cri-client.ts";
import { runInNamespaces, startOwnRuntime, type OwnRuntime } from "../own-runtime.ts";
import { printTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    pods: { type: "string", default: "20" },
    /** Pods that come and go before. */
    warm: { type: "string", default: "40" },
    "idle-seconds": { type: "string", default: "15" },
    "node-options": { type: "string", default: "" },
    /** Both processes write a heap snapshot into the folder, before and with the pods. */
    snapshots: { type: "boolean", default: false },
    inside: { type: "string" },
  },
});
const pods = Number(values.pods);

/** KiB of a process: its own pages, and its share of those that it shares. */
const pss = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
/** KiB that the kernel holds and cannot give back: slabs, page tables, per-CPU memory. */
const kernelMemory = (): number =>
  [
    ...readFileSync("/proc/meminfo", "utf8").matchAll(
      /^(?:SUnreclaim|PageTables|Percpu|KernelStack):\s+(\d+)/gm,
    ),
  ]
    .map(([, kib]) => Number(kib))
    .reduce((sum, kib) => sum + kib, 0);

interface Pod {
  readonly sandbox: string;
}

async function startPod({ cri: runtime }: CriConnection, name: string): Promise<Pod> {
  const config = {
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
    hostname: name,
    linux: {
      cgroupParent: "/tskube-pod-memory",
      securityContext: { namespaceOptions: { pid: 1 } },
    },
  } as const;
  const { podSandboxId: sandbox = "" } = await runtime.runPodSandbox({ config });
  const container = {
    metadata: { name: "main" },
    image: { image: "busybox" },
    command: ["sleep", "100000"],
    linux: { securityContext: { namespaceOptions: { pid: 1 } } },
  } as const;
  const created = await runtime.createContainer({
    podSandboxId: sandbox,
    config: container,
    sandboxConfig: config,
  });
  await runtime.startContainer({ containerId: created.containerId ?? "" });
  return { sandbox };
}

async function startPods(cri: CriConnection, count: number, as: string): Promise<readonly Pod[]> {
  const started: Pod[] = [];
  for (let index = 0; index < count; index++) started.push(await startPod(cri, `${as}-${index}`));
  return started;
}

async function stopPods({ cri: runtime }: CriConnection, doomed: readonly Pod[]): Promise<void> {
  for (const { sandbox } of doomed) {
    await runtime.stopPodSandbox({ podSandboxId: sandbox });
    await runtime.removePodSandbox({ podSandboxId: sandbox });
  }
}

async function measure(runtime: OwnRuntime) {
  const pids = [runtime.daemonPid, runtime.supervisorPid() ?? 0];
  await systemClock.sleep(Number(values["idle-seconds"]) * 1000);
  const [daemon = 0, supervisor = 0] = pids.map(pss);
  const kernel = kernelMemory();
  if (values.snapshots) {
    for (const pid of pids) process.kill(pid, "SIGUSR2");
    await systemClock.sleep(8_000);
  }
  return { daemon, supervisor, kernel };
}

async function inside(folder: string): Promise<void> {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const names = { bridge: "tskmem0", podCidr: "10.251.9.0/24" };
  const given = values["node-options"].split(" ").filter((word) => word !== "");
  const nodeOptions = [...given, ...(values.snapshots ? ["--heapsnapshot-signal=SIGUSR2"] : [])];
  await using runtime = await startOwnRuntime(folder, names, { nodeOptions });
  const cri = connectCri(runtime.socket);
  await stopPods(cri, await startPods(cri, Number(values.warm), "warm"));
  const before = await measure(runtime);
  const running = await startPods(cri, pods, "pod");
  const after = await measure(runtime);
  await stopPods(cri, running);
  cri.close();
  const each = (name: keyof typeof before): string =>
    `${((after[name] - before[name]) / pods).toFixed(1)} KiB each; ${(before[name] / 1024).toFixed(1)} MiB before`;
  printTable(`${pods} idle pods`, [
    { what: "CRI daemon", value: each("daemon") },
    { what: "supervisor", value: each("supervisor") },
    { what: "kernel (noisy)", value: each("kernel") },
  ]);
}

if (values.inside === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "tskube-pod-memory-"));
  chmodSync(folder, 0o755);
  try {
    const store = await openImages(join(folder, "data"), systemDoors("bench", "error"));
    await buildDebianImage(store, busyboxImage, { cache: "/var/cache/tskube/deb" });
    const words = ["--inside", folder, ...process.argv.slice(2)];
    process.exitCode = runInNamespaces(import.meta.filename, words);
  } finally {
    if (values.snapshots) console.log(`snapshots are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
} else await inside(values.inside);
