/**
 * What pods' connections cost beside a bare veth pair: throughput (iperf3), round trips (sockperf)
 * and new connections (wrk against nginx) from pod to pod, on one machine and on two, directly and
 * through a Service. Servers and clients run in the pods' network namespaces; the machines are
 * e2e/machines.ts's. As root; Debian packages iperf3, sockperf, wrk, nginx-light.
 *
 *     hack/prepare iperf3 sockperf wrk nginx-light && node hack/bench/network.ts [--rounds 3]
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { eventually } from "../../e2e/test-bed.ts";
import { TsadmBed, webPodSpec } from "../../e2e/tsadm-bed.ts";
import { median, printTable } from "./table.ts";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });

const ports = { iperf: 5_201, sockperf: 11_111, http: 8_081 } as const;
const nodePorts = { iperf: 30_201, sockperf: 30_202, http: 30_203 } as const;
type Ports = Readonly<Record<keyof typeof ports, number>>;

/** A network namespace, as nsenter(1) takes it. */
type Place = string;

/** Where a client is, and what it calls. */
interface Path {
  readonly what: string;
  readonly from: Place;
  readonly address: string;
  readonly ports?: Ports;
}

const inside = (place: Place, words: readonly string[]): readonly string[] => [
  `--net=${place}`,
  "--",
  ...words,
];

const run = (place: Place, ...words: readonly string[]): string =>
  execFileSync("nsenter", inside(place, words), {
    encoding: "utf8",
    timeout: 20_000,
    stdio: ["ignore", "pipe", "pipe"],
  });

/** What this program started, ended with it. */
class Servers implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "tskube-network-"));
  readonly #started: ChildProcess[] = [];

  /** Those of all three tools, in one namespace. */
  async start(place: Place): Promise<void> {
    const config = join(this.#folder, `${this.#started.length}.conf`);
    writeFileSync(config, nginxConfig(`${config}.pid`));
    for (const words of [
      ["iperf3", "--server", "--port", String(ports.iperf)],
      ["sockperf", "server", "--tcp", "-i", "0.0.0.0", "-p", String(ports.sockperf)],
      ["nginx", "-c", config],
    ]) {
      this.#started.push(spawn("nsenter", inside(place, words), { stdio: "ignore" }));
    }
    const listening = (): string => run(place, "ss", "-Hltn");
    await eventually(`servers in ${place}`, listening, (text) =>
      Object.values(ports).every((port) => text.includes(`:${port} `)),
    );
  }

  [Symbol.dispose](): void {
    for (const child of this.#started) child.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One process, which answers from memory and closes: what is left is the connection. */
const nginxConfig = (pidFile: string): string => `
daemon off; master_process off; pid ${pidFile}; error_log /dev/null;
events { worker_connections 2048; }
http {
  access_log off; keepalive_timeout 0;
  server { listen ${ports.http}; location / { return 200 "ok"; } }
}
`;

/** What runs that were killed have left. */
function removeOrphans(): void {
  for (const name of existsSync("/run/netns") ? readdirSync("/run/netns") : []) {
    const owner = /^tskube-bench-(\d+)-[ab]$/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      spawnSync("ip", ["netns", "delete", name]);
  }
}

/** Two namespaces and the pair between them, and nothing else. */
class VethPair implements Disposable {
  readonly #names = ["a", "b"].map((end) => `tskube-bench-${process.pid}-${end}`);
  readonly places: readonly Place[] = this.#names.map((name) => `/run/netns/${name}`);
  readonly address = "10.77.0.2";

  constructor() {
    removeOrphans();
    const [a = "", b = ""] = this.#names;
    for (const name of this.#names) execFileSync("ip", ["netns", "add", name]);
    const pair = ["v0", "type", "veth", "peer", "name", "v0", "netns", b];
    execFileSync("ip", ["-n", a, "link", "add", ...pair]);
    for (const [at, name] of this.#names.entries()) {
      execFileSync("ip", ["-n", name, "addr", "add", `10.77.0.${at + 1}/24`, "dev", "v0"]);
      execFileSync("ip", ["-n", name, "link", "set", "v0", "up"]);
    }
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) spawnSync("ip", ["netns", "delete", name]);
  }
}

interface Sample {
  readonly gbits1: number;
  readonly gbits4: number;
  readonly roundTripP50Us: number;
  readonly roundTripP99Us: number;
  readonly connections: number;
}

const streamBytes = "512M";

function gigabits({ from, address, ports: at = ports }: Path, streams: number): number {
  const where = ["--client", address, "--port", String(at.iperf)];
  const how = ["--bytes", streamBytes, "--parallel", String(streams), "--json"];
  const answer = JSON.parse(run(from, "iperf3", ...where, ...how)) as {
    readonly end: { readonly sum_received: { readonly bits_per_second: number } };
  };
  return answer.end.sum_received.bits_per_second / 1e9;
}

/** Fourteen bytes there and back, one at a time, for a second. */
function roundTrip({ from, address, ports: at = ports }: Path): (percentile: string) => number {
  const where = ["--tcp", "-i", address, "-p", String(at.sockperf)];
  const printed = run(from, "sockperf", "ping-pong", ...where, "-t", "1", "--full-rtt");
  return (percentile) =>
    Number(new RegExp(`percentile ${percentile} = +([\\d.]+)`).exec(printed)?.[1]);
}

/** A second of eight clients, a connection for each request. */
function connections({ from, address, ports: at = ports }: Path): number {
  const flags = ["-t1", "-c8", "-d1", "-H", "Connection: close"];
  const printed = run(from, "wrk", ...flags, `http://${address}:${at.http}/`);
  return Number(/Requests\/sec: +([\d.]+)/.exec(printed)?.[1]);
}

function measure(path: Path): Sample {
  const percentile = roundTrip(path);
  return {
    gbits1: gigabits(path, 1),
    gbits4: gigabits(path, 4),
    roundTripP50Us: percentile("50.000"),
    roundTripP99Us: percentile("99.000"),
    connections: connections(path),
  };
}

/** Servers on both machines, a client on the first; a Service for each server. */
const objects = (): readonly object[] => [
  ...[
    ["client", 1],
    ["near", 1],
    ["far", 2],
  ].map(([name, machine]) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: { nodeName: `machine-${machine}`, ...webPodSpec },
  })),
  ...["near", "far"].map((app) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: app },
    spec: {
      type: app === "near" ? "NodePort" : "ClusterIP",
      selector: { app },
      ports: (["iperf", "sockperf", "http"] as const).map((name) => ({
        name,
        port: ports[name],
        ...(app === "near" ? { nodePort: nodePorts[name] } : {}),
      })),
    },
  })),
];

const placeOf = (pid: number): Place => `/proc/${pid}/ns/net`;

/** By its cgroup, as the host sees it. */
function podPlace(uid: string): Place {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(uid);
    } catch {
      return false; // It has ended meanwhile.
    }
  });
  if (found === undefined) throw new Error(`no process of the pod ${uid}`);
  return placeOf(Number(found));
}

interface Cluster {
  readonly client: Place;
  readonly pods: Readonly<Record<"near" | "far", string>>;
  readonly services: Readonly<Record<"near" | "far", string>>;
}

async function startCluster(bed: TsadmBed, servers: Servers): Promise<Cluster> {
  bed.init();
  bed.join(2);
  bed.apply(...objects());
  const ready = await bed.readyPods(3, 60_000);
  const pod = (name: string) => {
    const found = ready.find(({ metadata }) => metadata.name === name);
    return { place: podPlace(found?.metadata.uid ?? name), ip: found?.status?.podIP ?? "" };
  };
  const [near, far] = [pod("near"), pod("far")];
  for (const place of [near.place, far.place, placeOf(bed.machine(2).pid)]) {
    await servers.start(place);
  }
  const ip = (name: string): string =>
    bed.kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIP}");
  return {
    client: pod("client").place,
    pods: { near: near.ip, far: far.ip },
    services: { near: ip("near"), far: ip("far") },
  };
}

/** Two machines on one link. */
async function linkPaths(bed: TsadmBed, servers: Servers): Promise<readonly Path[]> {
  const { client: from, pods, services } = await startCluster(bed, servers);
  const [first, second] = [bed.machine(1), bed.machine(2)];
  const outside = placeOf(bed.set.switchPid);
  return [
    { what: "machine to machine, no pods", from: placeOf(first.pid), address: second.address },
    { what: "pod to pod, one machine", from, address: pods.near },
    { what: "pod to pod, two machines", from, address: pods.far },
    { what: "pod to ClusterIP, one machine", from, address: services.near },
    { what: "pod to ClusterIP, two machines", from, address: services.far },
    {
      what: "outside to NodePort, pod there",
      from: outside,
      address: first.address,
      ports: nodePorts,
    },
  ];
}

/** Two machines on links of their own, behind a router. */
async function routedPaths(bed: TsadmBed, servers: Servers): Promise<readonly Path[]> {
  const { client: from, pods } = await startCluster(bed, servers);
  const [first, second] = [bed.machine(1), bed.machine(2)];
  return [
    {
      what: "machine to machine, routed, no pods",
      from: placeOf(first.pid),
      address: second.address,
    },
    { what: "pod to pod, VXLAN", from, address: pods.far },
  ];
}

/** One line of the table: a figure with its ratio to the floor's. */
const columns: readonly (readonly [title: string, key: keyof Sample, digits: number])[] = [
  ["Gbit/s, 1 stream", "gbits1", 1],
  ["4 streams", "gbits4", 1],
  ["round trip p50 µs", "roundTripP50Us", 1],
  ["p99 µs", "roundTripP99Us", 1],
  ["connections/s", "connections", 0],
];
const width = 20;

function lineOf(samples: readonly Sample[], floor: readonly Sample[]): string {
  const cells = columns.map(([, key, digits]) => {
    const [own, bare] = [samples, floor].map((all) => median(all.map((one) => one[key])));
    const ratio = ((own ?? 0) / (bare ?? 1)).toFixed(2);
    return `${(own ?? 0).toFixed(digits)} (${ratio})`.padStart(width);
  });
  return cells.join("");
}

async function main(): Promise<void> {
  await using link = await TsadmBed.make("network", 2);
  await using routed = await TsadmBed.make("routed", 2, { links: "routed" });
  using servers = new Servers();
  using bare = new VethPair();
  const [from = "", to = ""] = bare.places;
  await servers.start(to);
  const paths: readonly Path[] = [
    { what: "bare veth pair", from, address: bare.address },
    ...(await linkPaths(link, servers)),
    ...(await routedPaths(routed, servers)),
  ];
  const seen = paths.map((): Sample[] => []);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [at, path] of paths.entries()) seen[at]?.push(measure(path));
  }
  printTable(`connections: medians of ${values.rounds} rounds in turns, (× the bare pair's)`, [
    { what: "", value: columns.map(([title]) => title.padStart(width)).join("") },
    ...paths.map(({ what }, at) => ({ what, value: lineOf(seen[at] ?? [], seen[0] ?? []) })),
  ]);
}

await main();
