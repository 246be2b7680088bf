/**
 * The API server over TLS beside upstream's kube-apiserver, with upstream's own load generator's
 * work: creates, GETs, patches, lists, watches; and the memory of each server with its pods, at
 * rest. Ours on SQLite and on etcd, each server alone and in the same run; upstream's etcd under
 * both, where it is built, else Debian's under ours. Needs Go and the folder ../shared/bench;
 * without upstream's server only ours is measured.
 *
 *     node hack/bench/api.ts [--pods 5000] [--seconds 4] [--rows create1,create,get,…]
 *         [--watchers 500]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import { ensureClusterPki } from "../../pkg/pki/cluster-pki-apply.ts";
import { upstreamProgram } from "../upstream.ts";
import { printTable, type Row } from "./table.ts";
import { untilReady } from "./until-ready.ts";

const root = join(import.meta.dirname, "../..");
const shared = join(root, "../shared/bench/apibench");
const { values } = parseArgs({
  options: {
    pods: { type: "string", default: "5000" },
    seconds: { type: "string", default: "4" },
    rows: { type: "string", default: "create1,create,get,patch,list,listproto,table" },
    watchers: { type: "string", default: "500" },
  },
});
const token = "benchtoken";
const folder = mkdtempSync(join(tmpdir(), "tskube-bench-api-"));
const upstreamFolder = join(folder, "upstream");
const ended: (() => void)[] = [];

interface Result {
  readonly row: string;
  readonly per_s?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  readonly MB_per_s?: number;
  readonly errors: number;
}

/** A server under test. */
interface Server {
  readonly url: string;
  readonly pid: number;
}

/** Rows that leave pods behind; memory is looked at after them. */
const creating = ["create1", "create"];
const restMs = 5_000;

/** Proportional set size, MiB. */
function memoryOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1]) / 1024;
}

/** Its process id. */
function start(program: string, args: readonly string[], name: string): number {
  const log = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  ended.push(() => child.kill("SIGKILL"));
  return child.pid ?? 0;
}

function stopAll(): void {
  for (const end of ended.splice(0)) end();
}

async function startOurs(name: string, storage: readonly string[], port: number): Promise<Server> {
  const pki = join(folder, "pki");
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
  const program = join(folder, "dist/tskube-apiserver.mjs");
  const pid = start(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...flags, ...storage],
    name,
  );
  const url = `https://127.0.0.1:${port}`;
  await untilReady(url, token, folder);
  return { url, pid };
}

interface Measured {
  readonly results: ReadonlyMap<string, Result>;
  /** MiB: with the pods, at rest; and after all rows, at rest. */
  readonly memory: readonly number[];
}

async function load({ url, pid }: Server, generator: string): Promise<Measured> {
  const args = [
    "-server",
    url,
    "-token",
    token,
    "-pods",
    values.pods,
    "-secs",
    values.seconds,
    "-c",
    "64",
  ];
  const run = (rows: string, more: readonly string[] = []): readonly Result[] =>
    execFileSync(generator, [...args, "-rows", rows, ...more], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1e8,
    })
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Result);
  const results: Result[] = [];
  const memory: number[] = [];
  const rest = async (): Promise<void> => {
    await systemClock.sleep(restMs);
    memory.push(memoryOf(pid));
  };
  const rows = values.rows.split(",");
  const isCreating = (row: string): boolean => creating.includes(row);
  if (rows.some(isCreating)) results.push(...run(rows.filter(isCreating).join(",")));
  await rest();
  const others = rows.filter((row) => !isCreating(row)).join(",");
  if (others !== "") results.push(...run(others));
  if (values.watchers !== "0") results.push(...run("watch", ["-watchers", values.watchers]));
  await rest();
  return { results: new Map(results.map((result) => [result.row, result])), memory };
}

/** Lists of many objects are told by their bytes, everything else by its number. */
const isLarge = ({ row }: Result): boolean => /^list (json( \?res| \?lim|$)|protobuf)/.test(row);

const show = (result: Result): string => {
  const { per_s, p50_ms, p99_ms, MB_per_s, errors } = result;
  const parts = [
    isLarge(result) ? `${(MB_per_s ?? 0).toFixed(0)} MB/s` : `${(per_s ?? 0).toFixed(0)}/s`,
    p50_ms === undefined ? "" : `p50 ${p50_ms.toFixed(1)}`,
    p99_ms === undefined ? "" : `p99 ${p99_ms.toFixed(0)} ms`,
    errors > 0 ? `${errors} ERRORS` : "",
  ];
  return parts.filter((part) => part !== "").join(" ");
};

const rate = (result: Result | undefined): number => result?.per_s ?? Number.NaN;

function report(all: ReadonlyMap<string, Measured>): void {
  const upstream = all.get("kube-apiserver")?.results;
  for (const [name, { results, memory }] of all) {
    const rows: Row[] = [...results].map(([row, result]) => {
      const ratio = rate(result) / rate(upstream?.get(row));
      const beside =
        name === "kube-apiserver" || Number.isNaN(ratio)
          ? ""
          : `  (${ratio.toFixed(1)} × kube-apiserver)`;
      return { what: row, value: `${show(result)}${beside}` };
    });
    const [first = Number.NaN, last = Number.NaN] = memory;
    const sizes = `PSS ${first.toFixed(0)} MiB, after all rows ${last.toFixed(0)} MiB`;
    printTable(name, [...rows, { what: `memory with ${values.pods} pods`, value: sizes }]);
  }
}

if (!existsSync(shared)) {
  console.log("skipped: the load generator's folder ../shared/bench is not there");
  process.exit(0);
}
try {
  const generator = join(folder, "apibench");
  execFileSync("go", ["build", "-o", generator, "."], { cwd: shared, stdio: "inherit" });
  execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", join(folder, "dist")], {
    stdio: "ignore",
  });
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,admin,system:masters\n`);
  const pki = {
    clusterName: "bench",
    serverUrl: "https://127.0.0.1:1",
    serverNames: [],
    serviceAddress: "10.96.0.1",
    dnsDomain: "cluster.local",
    adminGroup: "system:masters",
    hasEtcd: false,
  };
  await ensureClusterPki(
    {
      ...pki,
      folder: join(folder, "pki"),
      kubeconfigFolder: folder,
      node: { name: "bench", addresses: ["127.0.0.1"] },
    },
    { clock: systemClock, random: systemRandom },
  );
  const all = new Map<string, Measured>();
  all.set(
    "tskube-apiserver on SQLite",
    await load(
      await startOurs("sqlite", [`--storage=sqlite:${join(folder, "state.db")}`], 17443),
      generator,
    ),
  );
  stopAll();
  const etcd = "http://127.0.0.1:13379";
  const etcdProgram = upstreamProgram("etcd", false) ?? "etcd";
  start(
    etcdProgram,
    [
      "--data-dir",
      join(folder, "etcd"),
      "--listen-client-urls",
      etcd,
      "--advertise-client-urls",
      etcd,
      "--listen-peer-urls",
      "http://127.0.0.1:13380",
      "--initial-advertise-peer-urls",
      "http://127.0.0.1:13380",
      "--initial-cluster",
      "default=http://127.0.0.1:13380",
      "--quota-backend-bytes",
      "4294967296",
    ],
    "etcd",
  );
  await systemClock.sleep(1_500);
  all.set(
    "tskube-apiserver on etcd",
    await load(await startOurs("etcd-api", [`--etcd-servers=${etcd}`], 17444), generator),
  );
  stopAll();
  const up = spawnSync(join(shared, "upstream.sh"), ["up"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, RUN: upstreamFolder },
  });
  if (up.status === 0) {
    try {
      const pid = Number(readFileSync(join(upstreamFolder, "apiserver.pid"), "utf8"));
      const server = { url: "https://127.0.0.1:16443", pid };
      all.set("kube-apiserver", await load(server, generator));
    } finally {
      spawnSync(join(shared, "upstream.sh"), ["down"], {
        stdio: "inherit",
        env: { ...process.env, RUN: upstreamFolder },
      });
    }
  } else console.log("skipped: upstream's kube-apiserver cannot be built here");
  report(all);
} finally {
  stopAll();
  rmSync(folder, { recursive: true, force: true });
}
