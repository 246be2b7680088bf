/**
 * A whole cluster, measured from outside: `tskube up` until the API answers and until the node is
 * Ready, from a create to a Ready pod, a hundred pods at once, idle memory and CPU. As root; images
 * nginx and busybox are needed (hack/ensure-image.ts); runs in a network namespace of its own.
 *
 *     node hack/bench/cluster.ts [--starts 5] [--pods 30]
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import type { Deployment } from "../../api/apps/v1.ts";
import type { Node, Pod } from "../../api/core/v1.ts";
import { deployments, nodes, pods } from "../../api/resources.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import type { Client } from "../../pkg/client/client.ts";
import { connect } from "../../pkg/client/connect.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { chooseContext, readKubeconfigs } from "../../pkg/client/kubeconfig.ts";
import { TestBed } from "../../e2e/test-bed.ts";
import { printTable, summary, type Row } from "./table.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    starts: { type: "string", default: "5" },
    pods: { type: "string", default: "30" },
    inside: { type: "string" },
  },
});
const idleSeconds = 20;
const manyPods = 100;

/**
 * PSS of a process: its own pages, and its share of those that it shares (proc(5), smaps_rollup).
 */
const pssMib = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
/** User and system time in milliseconds (proc(5), stat: fields 14 and 15, in hundredths). */
const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

const processesOf = (folder: string): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return words.includes(`${folder}/dist/tskube.mjs`);
      } catch {
        return false;
      }
    });

/** With links, devices and extended attributes, as layers have them. */
function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  execFileSync("cp", ["-a", from, to]);
}

/** One cluster in folders of its own. */
class Cluster {
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly startedAt = performance.now();

  constructor(folder: string) {
    this.#folder = folder;
    const log = openSync(join(folder, "log"), "a");
    const words = ["--disable-warning=ExperimentalWarning", join(folder, "dist/tskube.mjs"), "up"];
    this.#child = spawn(process.execPath, [...words, ...this.#folders()], {
      stdio: ["ignore", log, log],
    });
  }

  #folders(): readonly string[] {
    const at = (name: string): string => join(this.#folder, name);
    return [
      "--config-dir",
      at("etc"),
      "--data-dir",
      at("lib"),
      "--run-dir",
      at("run"),
      "--bridge",
      "tskbench0",
    ];
  }

  async client(): Promise<Client> {
    for (;;) {
      try {
        const config = await readKubeconfigs([join(this.#folder, "etc/admin.conf")]);
        const client = connect(
          httpsTransport(chooseContext(config, systemClock).access, systemClock).send,
          { clock: systemClock },
        );
        await client.raw("GET", "/readyz");
        return client;
      } catch {
        await systemClock.sleep(5);
      }
    }
  }

  stop(): void {
    const words = [
      "--disable-warning=ExperimentalWarning",
      join(this.#folder, "dist/tskube.mjs"),
      "down",
    ];
    execFileSync(process.execPath, [...words, ...this.#folders()], { stdio: "ignore" });
    this.#child.kill("SIGKILL");
  }
}

const isTrue = (object: Node | Pod, type: string): boolean =>
  object.status?.conditions?.some((one) => one.type === type && one.status === "True") === true;

async function untilNodeReady(client: Client): Promise<void> {
  const list = await client.resource(nodes).list();
  if (list.items.some((node) => isTrue(node, "Ready"))) return;
  const stop = new AbortController();
  for await (const event of client
    .resource(nodes)
    .watch({ resourceVersion: list.resourceVersion }, stop.signal)) {
    if (event.type !== "BOOKMARK" && isTrue(event.object, "Ready")) return stop.abort();
  }
}

const deployment = (name: string, replicas: number, image = "nginx"): Deployment => ({
  metadata: { name, namespace: "default" },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [
          {
            name: "main",
            image,
            imagePullPolicy: "IfNotPresent",
            ...(image === "busybox" ? { command: ["sleep", "3600"] } : {}),
          },
        ],
      },
    },
  },
});

/** Milliseconds from the create until so many pods are Ready, told by a watch that runs already. */
async function createToReady(client: Client, wanted: Deployment): Promise<number> {
  const name = wanted.metadata?.name ?? "";
  const { resourceVersion } = await client.resource(pods).list({ namespace: "default", limit: 1 });
  const stop = new AbortController();
  const watch = client
    .resource(pods)
    .watch({ namespace: "default", labelSelector: `app=${name}`, resourceVersion }, stop.signal);
  const started = performance.now();
  await client.resource(deployments).create(wanted);
  const ready = new Set<string>();
  for await (const event of watch) {
    if (event.type === "BOOKMARK" || event.type === "DELETED") continue;
    if (isTrue(event.object, "Ready")) ready.add(event.object.metadata?.name ?? "");
    if (ready.size === wanted.spec?.replicas) break;
  }
  const took = performance.now() - started;
  stop.abort();
  return took;
}

async function remove(client: Client, name: string): Promise<void> {
  await client
    .resource(deployments)
    .delete({ namespace: "default", name }, { propagationPolicy: "Background" });
  const selector = { namespace: "default", labelSelector: `app=${name}` };
  while ((await client.resource(pods).list(selector)).items.length > 0) await systemClock.sleep(50);
}

async function measureIdle(folder: string): Promise<readonly Row[]> {
  const pids = processesOf(folder);
  const before = pids.map(cpuMs);
  await systemClock.sleep(idleSeconds * 1000);
  const used = pids
    .map((pid, at) => cpuMs(pid) - (before[at] ?? 0))
    .reduce((sum, ms) => sum + ms, 0);
  const memory = pids.map(pssMib);
  return [
    {
      what: `idle memory, ${pids.length} processes: ${memory.map((one) => one.toFixed(0)).join(" + ")}`,
      value: `${memory.reduce((sum, one) => sum + one, 0).toFixed(0)} MiB PSS`,
    },
    {
      what: `idle CPU over ${idleSeconds} s`,
      value: `${((used / idleSeconds / 1000) * 100).toFixed(2)} % of a core`,
    },
  ];
}

async function measureInside(folder: string): Promise<void> {
  const api: number[] = [];
  const node: number[] = [];
  const rows: Row[] = [];
  for (let turn = 0; turn < Number(values.starts); turn++) {
    const cluster = new Cluster(folder);
    const client = await cluster.client();
    api.push(performance.now() - cluster.startedAt);
    await untilNodeReady(client);
    node.push(performance.now() - cluster.startedAt);
    if (turn === Number(values.starts) - 1) {
      await systemClock.sleep(2_000);
      rows.push(...(await measureIdle(folder)));
      const single: number[] = [];
      for (let at = 0; at < Number(values.pods) + 3; at++) {
        single.push(await createToReady(client, deployment(`one-${at}`, 1)));
        await remove(client, `one-${at}`);
      }
      rows.push({
        what: "create of a Deployment to its Ready pod (nginx)",
        ...summary(single.slice(3)),
      });
      const before = processesOf(folder)
        .map(pssMib)
        .reduce((sum, one) => sum + one, 0);
      const many = await createToReady(client, deployment("many", manyPods, "busybox"));
      rows.push({
        what: `create to ${manyPods} Ready pods on one node`,
        value: `${(many / 1000).toFixed(2)} s`,
      });
      const after = processesOf(folder)
        .map(pssMib)
        .reduce((sum, one) => sum + one, 0);
      rows.push({
        what: "growth of our processes for each of these pods",
        value: `${((after - before) / manyPods).toFixed(2)} MiB PSS`,
      });
    }
    cluster.stop();
    if (turn < Number(values.starts) - 1)
      copyTree(join(folder, "images"), join(folder, "lib/images"));
  }
  printTable("cluster", [
    { what: "tskube up to /readyz", ...summary(api) },
    { what: "tskube up to node Ready", ...summary(node) },
    ...rows,
  ]);
}

if (values.inside !== undefined) {
  await measureInside(values.inside);
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "tskube-bench-"));
try {
  execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", join(folder, "dist")], {
    stdio: "ignore",
  });
  execFileSync(
    process.execPath,
    [join(root, "hack/ensure-image.ts"), "--data-dir", join(folder, "lib"), "nginx", "busybox"],
    { stdio: "ignore" },
  );
  copyTree(join(folder, "lib/images"), join(folder, "images"));
  using bed = new TestBed("tskube-bench");
  const words = ["--disable-warning=ExperimentalWarning", import.meta.filename, "--inside", folder];
  console.log(
    bed.run(process.execPath, [...words, "--starts", values.starts, "--pods", values.pods], {
      timeoutMs: 300_000,
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
