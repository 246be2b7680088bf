/**
 * The API server over TLS beside upstream's kube-apiserver, with upstream's own load generator's
 * work: creates, GETs, patches, lists, watches. Ours on SQLite and on etcd, each server alone and
 * in the same run. Needs Go and the folder ../shared/bench; without upstream's server only ours is
 * measured.
 *
 *     node hack/bench/api.ts [--pods 5000] [--seconds 4] [--rows create1,create,get,…]
 *         [--watchers 500]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { systemRandom } from "../../pkg/base/system-random.ts";
import { ensureClusterPki } from "../../pkg/pki/cluster-pki-apply.ts";
import { printTable, type Row } from "./table.ts";

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
const ended: (() => void)[] = [];

interface Result {
  readonly row: string;
  readonly per_s?: number;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
  readonly MB_per_s?: number;
  readonly errors: number;
}

function start(program: string, args: readonly string[], name: string): void {
  const log = openSync(join(folder, `${name}.log`), "a");
  const child = spawn(program, args, { stdio: ["ignore", log, log] });
  ended.push(() => child.kill("SIGKILL"));
}

async function untilReady(server: string): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    const { stdout } = spawnSync(
      "curl",
      ["-sk", "-m", "2", "-H", `Authorization: Bearer ${token}`, `${server}/readyz`],
      { encoding: "utf8" },
    );
    if (stdout.trim() === "ok") return;
    await systemClock.sleep(20);
  }
  throw new Error(`${server} is not ready; see ${folder}`);
}

function stopAll(): void {
  for (const end of ended.splice(0)) end();
}

async function startOurs(name: string, storage: readonly string[], port: number): Promise<string> {
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
  start(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, ...flags, ...storage],
    name,
  );
  const server = `https://127.0.0.1:${port}`;
  await untilReady(server);
  return server;
}

/** A row at a time, each with a pause: what one leaves behind does not burden the next. */
function load(server: string, generator: string): ReadonlyMap<string, Result> {
  const args = [
    "-server",
    server,
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
  const results = [...run(values.rows)];
  if (values.watchers !== "0") results.push(...run("watch", ["-watchers", values.watchers]));
  return new Map(results.map((result) => [result.row, result]));
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

function report(all: ReadonlyMap<string, ReadonlyMap<string, Result>>): void {
  const upstream = all.get("kube-apiserver");
  for (const [name, results] of all) {
    const rows: Row[] = [...results].map(([row, result]) => {
      const ratio = rate(result) / rate(upstream?.get(row));
      const beside =
        name === "kube-apiserver" || Number.isNaN(ratio)
          ? ""
          : `  (${ratio.toFixed(1)} × kube-apiserver)`;
      return { what: row, value: `${show(result)}${beside}` };
    });
    printTable(name, rows);
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
  const all = new Map<string, ReadonlyMap<string, Result>>();
  all.set(
    "tskube-apiserver on SQLite",
    load(
      await startOurs("sqlite", [`--storage=sqlite:${join(folder, "state.db")}`], 17443),
      generator,
    ),
  );
  stopAll();
  const etcd = "http://127.0.0.1:13379";
  start(
    "etcd",
    [
      "--data-dir",
      join(folder, "etcd"),
      "--listen-client-urls",
      etcd,
      "--advertise-client-urls",
      etcd,
      "--listen-peer-urls",
      "http://127.0.0.1:13380",
      "--quota-backend-bytes",
      "4294967296",
    ],
    "etcd",
  );
  await systemClock.sleep(1_500);
  all.set(
    "tskube-apiserver on etcd",
    load(await startOurs("etcd-api", [`--etcd-servers=${etcd}`], 17444), generator),
  );
  stopAll();
  const up = spawnSync(join(shared, "upstream.sh"), ["up"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (up.status === 0) {
    try {
      all.set("kube-apiserver", load("https://127.0.0.1:16443", generator));
    } finally {
      spawnSync(join(shared, "upstream.sh"), ["down"], { stdio: "inherit" });
    }
  } else console.log("skipped: upstream's kube-apiserver cannot be built here");
  report(all);
} finally {
  stopAll();
  rmSync(folder, { recursive: true, force: true });
}
