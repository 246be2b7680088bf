/**
 * How many pods a second get a node: the decision alone, in one process with the API server, and
 * over TLS through the API server on SQLite and on etcd, beside upstream's kube-scheduler and ours
 * on upstream's API server. Pods are there before the scheduler starts; the clock runs from the
 * first binding to the last. Beside it stands the CPU time that each process spent for one pod,
 * which a busy machine changes less.
 *
 *     node hack/bench/scheduler.ts [--nodes 1000] [--pods 5000] [--kinds basic,spread]
 *         [--rows decision,process,process-sqlite,sqlite,etcd,ours-on-kube,upstream]
 *
 * Upstream's rows need Go and ../shared (they are built at their first use).
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { apiAccess } from "../../cmd/wiring/api-access.ts";
import { startApi } from "../../cmd/wiring/api-serving.ts";
import { systemDoors } from "../../cmd/wiring/doors.ts";
import { runScheduling } from "../../cmd/wiring/scheduling.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import type { Client } from "../../pkg/client/client.ts";
import { connect } from "../../pkg/client/connect.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { inMemoryTransport } from "../../pkg/client/in-memory-transport.ts";
import { ensureClusterPki } from "../../pkg/pki/cluster-pki-apply.ts";
import { MemoryStorage } from "../../pkg/storage/memory.ts";
import { SqliteStorage } from "../../pkg/storage/sqlite.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import { decisionsPerSecond } from "./scheduling-decisions.ts";
import { countBindings, fillCluster } from "./scheduling-load.ts";
import { kinds, type Kind } from "./scheduling-objects.ts";
import { printTable, type Row } from "./table.ts";
import { untilReady } from "./until-ready.ts";

const root = join(import.meta.dirname, "../..");
const shared = join(root, "../shared");
const allRows = [
  "decision",
  "process",
  "process-sqlite",
  "sqlite",
  "etcd",
  "ours-on-kube",
  "upstream",
];
/** Those that run programs of ours. */
const builtRows = ["sqlite", "etcd", "ours-on-kube"];
const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "1000" },
    pods: { type: "string", default: "5000" },
    kinds: { type: "string", default: "basic,spread" },
    rows: { type: "string", default: allRows.join(",") },
  },
});
const size = { nodes: Number(values.nodes), pods: Number(values.pods) };
const wantedKinds = values.kinds
  .split(",")
  .filter((kind): kind is Kind => (kinds as readonly string[]).includes(kind));
const wantedRows = values.rows.split(",");
const token = "benchtoken";
const folder = mkdtempSync(join(tmpdir(), "tskube-bench-scheduler-"));
const pki = join(folder, "pki");
const ended: (() => void)[] = [];
const running = new Map<string, number>();

interface Measured {
  readonly perSecond: number;
  readonly cpu: string;
}

/** The kernel counts CPU time in hundredths of a second. */
const tickMs = 10;

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

/** CPU time of each running process of ours from now on, for one pod. */
function countCpu(): () => string {
  const before = new Map([...running].map(([name, pid]) => [name, cpuMsOf(pid)]));
  return () =>
    [...running]
      .map(([name, pid]) => {
        const ms = cpuMsOf(pid) - (before.get(name) ?? 0);
        return `${name} ${(ms / size.pods).toFixed(3)} ms`;
      })
      .join(", ");
}

function start(program: string, args: readonly string[], name: string): void {
  const log = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  if (child.pid !== undefined) running.set(name, child.pid);
  ended.push(() => child.kill("SIGKILL"));
}

function stopAll(): void {
  for (const end of ended.splice(0).toReversed()) end();
  running.clear();
}

function kubeconfigFor(server: string): string {
  const path = join(folder, `kubeconfig-${new URL(server).port}`);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const clientOf = (server: string): Client => {
  const access = { server, insecureSkipTlsVerify: true, token: () => Promise.resolve(token) };
  const transport = httpsTransport(access, systemClock);
  ended.push(() => transport.close());
  return connect(transport.send, { clock: systemClock, userAgent: "bench" });
};

const nodeProgram = (name: string): readonly string[] => [
  "--disable-warning=ExperimentalWarning",
  join(folder, "dist", `${name}.mjs`),
];

async function startOurServer(name: string, storage: string, port: number): Promise<string> {
  const words = {
    "bind-address": "127.0.0.1",
    "secure-port": `${port}`,
    "advertise-address": "192.0.2.1",
    "tls-cert-file": join(pki, "apiserver.crt"),
    "tls-private-key-file": join(pki, "apiserver.key"),
    "client-ca-file": join(pki, "ca.crt"),
    "token-auth-file": join(folder, "tokens.csv"),
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-signing-key-file": join(pki, "sa.key"),
    "service-account-key-file": join(pki, "sa.pub"),
    "log-level": "warn",
  };
  const flags = Object.entries(words).map(([flag, value]) => `--${flag}=${value}`);
  start(process.execPath, [...nodeProgram("tskube-apiserver"), ...flags, storage], name);
  const server = `https://127.0.0.1:${port}`;
  await untilReady(server, token, folder);
  return server;
}

function startOurScheduler(server: string): void {
  const flags = ["--leader-elect=false", "--secure-port=0", "--log-level=warn"];
  const kubeconfig = `--kubeconfig=${kubeconfigFor(server)}`;
  const program = nodeProgram("tskube-scheduler");
  start(process.execPath, [...program, ...flags, kubeconfig], "scheduler");
}

/** With its client's own limits lifted, which would bind 50 pods a second. */
function startKubeScheduler(server: string): void {
  const program = execFileSync(join(shared, "upstream/get"), ["kube-scheduler"], {
    encoding: "utf8",
  }).trim();
  const config = {
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    leaderElection: { leaderElect: false },
    clientConnection: { kubeconfig: kubeconfigFor(server), qps: 100_000, burst: 100_000 },
  };
  const path = join(folder, "kube-scheduler.json");
  writeFileSync(path, JSON.stringify(config));
  start(program, [`--config=${path}`, "--secure-port=0"], "kube-scheduler");
}

function startEtcd(): string {
  const url = "http://127.0.0.1:14379";
  const peers = "http://127.0.0.1:14380";
  const words = {
    "data-dir": join(folder, `etcd-${ended.length}-${Math.floor(performance.now())}`),
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peers,
    "initial-advertise-peer-urls": peers,
    "initial-cluster": `default=${peers}`,
    "quota-backend-bytes": "4294967296",
    "log-level": "error",
  };
  start(
    "etcd",
    Object.entries(words).map(([flag, value]) => `--${flag}=${value}`),
    "etcd",
  );
  return url;
}

async function overTls(
  server: string,
  kind: Kind,
  startScheduler: (server: string) => void,
): Promise<Measured> {
  const client = clientOf(server);
  await fillCluster(client, size, kind);
  const counting = countBindings({ server, token }, size.pods);
  const cpu = countCpu();
  startScheduler(server);
  return { perSecond: await counting, cpu: cpu() };
}

/** API server and scheduler share this process and meet in memory, as in `tskube up`. */
async function inProcess(kind: Kind, storage: Storage): Promise<Measured> {
  const stop = new AbortController();
  const doors = systemDoors("bench", "warn");
  const options = {
    storage,
    serviceCidr: "10.96.0.0/16",
    advertiseAddress: "192.0.2.1:6443",
    issuer: "https://kubernetes.default.svc",
    signingKeyFile: join(pki, "sa.key"),
  };
  const api = await startApi(options, doors, stop.signal);
  const as = (commonName: string, ...organizations: readonly string[]) =>
    inMemoryTransport(api.handler, {
      address: "127.0.0.1",
      certificate: { commonName, organizations },
    });
  const admin = apiAccess(as("admin", "system:masters"), "bench", doors, stop.signal);
  await fillCluster(admin.client, size, kind);
  const counting = countBindings({ watchedBy: admin.client }, size.pods);
  const access = apiAccess(as("system:kube-scheduler"), "default-scheduler", doors, stop.signal);
  running.set("all", process.pid);
  const cpu = countCpu();
  const scheduling = runScheduling(access, stop.signal);
  const measured = { perSecond: await counting, cpu: cpu() };
  stop.abort(new Error("measured"));
  await scheduling;
  return measured;
}

const withUpstreamServer = async (
  run: (server: string) => Promise<Measured>,
): Promise<Measured> => {
  const script = join(shared, "bench/apibench/upstream.sh");
  const env = { ...process.env, RUN: join(folder, "upstream") };
  ended.push(() => spawnSync(script, ["down"], { stdio: "ignore", env }));
  execFileSync(script, ["up"], { stdio: ["ignore", "ignore", "inherit"], env });
  return await run("https://127.0.0.1:16443");
};

/** What each row is called and how it is measured. */
const measures: Readonly<Record<string, readonly [string, (kind: Kind) => Promise<Measured>]>> = {
  decision: [
    "the decision alone",
    (kind) => {
      decisionsPerSecond(100, 1_000, kind);
      const perSecond = decisionsPerSecond(size.nodes, size.pods, kind);
      return Promise.resolve({ perSecond, cpu: "" });
    },
  ],
  process: [
    "in one process with the API server, memory",
    (kind) => inProcess(kind, new MemoryStorage(systemClock)),
  ],
  "process-sqlite": [
    "in one process with the API server, SQLite",
    (kind) => {
      const path = join(folder, `process-${kind}.db`);
      return inProcess(kind, new SqliteStorage({ path, clock: systemClock }));
    },
  ],
  sqlite: [
    "over TLS, SQLite",
    async (kind) => {
      const storage = `--storage=sqlite:${join(folder, `${kind}.db`)}`;
      return overTls(await startOurServer("sqlite", storage, 18443), kind, startOurScheduler);
    },
  ],
  etcd: [
    "over TLS, etcd",
    async (kind) => {
      const server = await startOurServer("etcd-api", `--etcd-servers=${startEtcd()}`, 18444);
      return overTls(server, kind, startOurScheduler);
    },
  ],
  "ours-on-kube": [
    "tskube-scheduler on kube-apiserver and etcd",
    (kind) => withUpstreamServer((server) => overTls(server, kind, startOurScheduler)),
  ],
  upstream: [
    "kube-scheduler on kube-apiserver and etcd",
    (kind) => withUpstreamServer((server) => overTls(server, kind, startKubeScheduler)),
  ],
};

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopAll();
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  });
}
try {
  if (wantedRows.some((row) => builtRows.includes(row))) {
    const words = [join(root, "hack/build.ts"), "--out", join(folder, "dist")];
    execFileSync(process.execPath, words, { stdio: ["ignore", "ignore", "inherit"] });
  }
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`);
  await ensureClusterPki(
    {
      clusterName: "bench",
      serverUrl: "https://127.0.0.1:1",
      serverNames: [],
      serviceAddress: "10.96.0.1",
      dnsDomain: "cluster.local",
      adminGroup: "system:masters",
      hasEtcd: false,
      folder: pki,
      kubeconfigFolder: folder,
      node: { name: "bench", addresses: ["127.0.0.1"] },
    },
    { clock: systemClock, random: systemRandom },
  );
  for (const kind of wantedKinds) {
    const rows: Row[] = [];
    for (const row of wantedRows) {
      const [what, measure] = measures[row] ?? [];
      if (what === undefined || measure === undefined) throw new Error(`there is no row ${row}`);
      if ((row === "upstream" || row === "ours-on-kube") && !existsSync(shared)) {
        console.log(`skipped: ${what}: ../shared is not there`);
        continue;
      }
      const { perSecond, cpu } = await measure(kind);
      stopAll();
      const value = `${perSecond.toFixed(0)} pods/s${cpu === "" ? "" : `; CPU a pod: ${cpu}`}`;
      rows.push({ what, value });
      console.log(`${kind}: ${what}: ${value}`);
    }
    printTable(`${size.pods} pods on ${size.nodes} nodes, ${kind}`, rows);
  }
} finally {
  stopAll();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
