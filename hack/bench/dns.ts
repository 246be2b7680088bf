/**
 * How many cluster names a second one process answers over UDP, and how long one answer takes:
 * the server is a process of its own, its client another, both on loopback, for a few seconds. The
 * floor is a process that only sends every query back.
 *
 *     node hack/bench/dns.ts [--seconds 4] [--waiting 64] [--node-option=--cpu-prof]
 */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { namespaces, services } from "../../api/resources.ts";
import { seededRandom } from "../../pkg/base/random.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { StoredInformers } from "../../pkg/client/testing/stored-informers.ts";
import { runDnsServer } from "../../pkg/dns/dns-server.ts";
import { createForwarder } from "../../pkg/dns/forwarder.ts";
import { freePort } from "../../pkg/dns/testing/fake-upstream.ts";
import { queryFor } from "../../pkg/dns/testing/queries.ts";
import { silentLogger } from "../../pkg/telemetry/logger.ts";
import { printTable, summary, type Row } from "./table.ts";

const { values } = parseArgs({
  options: {
    /** At most 5. */
    seconds: { type: "string", default: "4" },
    /** Queries under way at once; with one, its time is that of a single answer. */
    waiting: { type: "string", default: "64" },
    /** For the server's process. */
    "node-option": { type: "string", multiple: true, default: [] },
    serve: { type: "string" },
    echo: { type: "string" },
  },
});
const serviceCount = 1_000;
const nameOf = (at: number): string => `s${at}.default.svc.cluster.local`;

/** The server alone, until its parent closes the pipe to it. */
async function serve(port: number): Promise<void> {
  const informers = new StoredInformers();
  informers.put(namespaces, { metadata: { name: "default" } });
  for (let at = 0; at < serviceCount; at++)
    informers.put(services, {
      metadata: { name: `s${at}`, namespace: "default" },
      spec: { clusterIP: `10.96.${at >> 8}.${at & 255}` },
    });
  const ending = new AbortController();
  process.stdin.once("end", () => ending.abort()).resume();
  const doors = { clock: systemClock, random: seededRandom(1), logger: silentLogger };
  using forwarder = createForwarder({ ...doors, servers: [] });
  const onReady = (): void => console.log("ready");
  const where = { zone: "cluster.local", addresses: ["127.0.0.1"], port };
  await runDnsServer({ ...doors, ...where, informers, forwarder, onReady }, ending.signal);
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpuMs: (user + system) / 1_000 }));
}

/** What Node itself needs for a datagram in and one out. */
async function echo(port: number): Promise<void> {
  const socket = createSocket("udp4");
  socket.on("message", (message, { port: to, address }) => socket.send(message, to, address));
  socket.bind(port, "127.0.0.1", () => console.log("ready"));
  await once(process.stdin.resume(), "end");
  socket.close();
  const { user, system } = process.cpuUsage();
  console.log(JSON.stringify({ cpuMs: (user + system) / 1_000 }));
}

interface Measured {
  readonly answers: number;
  readonly seconds: number;
  readonly timesMs: readonly number[];
}

/** Asks for `seconds`, each answer being followed by the next query. */
async function ask(port: number, waiting: number, seconds: number): Promise<Measured> {
  const queries = Array.from({ length: serviceCount }, (_, at) => queryFor(nameOf(at), 1));
  const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
  socket.connect(port, "127.0.0.1");
  await once(socket, "connect");
  const sentAt = new Float64Array(0x1_0000);
  const timesMs: number[] = [];
  let next = 0;
  const send = (id: number): void => {
    const query = Buffer.from(queries[next++ % serviceCount] ?? []);
    query.writeUInt16BE(id, 0);
    sentAt[id] = performance.now();
    socket.send(query);
  };
  const start = performance.now();
  const end = start + seconds * 1_000;
  socket.on("message", (message) => {
    const id = message.readUInt16BE(0);
    const now = performance.now();
    timesMs.push(now - (sentAt[id] ?? now));
    if (now < end) send(id);
  });
  for (let id = 0; id < waiting; id++) send(id);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  socket.close();
  return { answers: timesMs.length, seconds: (performance.now() - start) / 1_000, timesMs };
}

interface Served {
  readonly one: Measured;
  readonly many: Measured;
  /** Of the server's process, its start included. */
  readonly cpuUsEach: number;
}

async function measure(flag: "--serve" | "--echo", seconds: number): Promise<Served> {
  const port = await freePort();
  const words = [...values["node-option"], import.meta.filename, flag, String(port)];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const warm = await ask(port, 8, 0.5);
  const one = await ask(port, 1, seconds / 4);
  const many = await ask(port, Number(values.waiting), (seconds * 3) / 4);
  const told = once(child.stdout, "data");
  child.stdin.end();
  const [text] = (await told) as [Buffer];
  const { cpuMs } = JSON.parse(text.toString()) as { cpuMs: number };
  const all = warm.answers + one.answers + many.answers;
  return { one, many, cpuUsEach: (cpuMs * 1_000) / all };
}

const perSecond = ({ answers, seconds }: Measured): number => Math.round(answers / seconds);

async function run(): Promise<void> {
  const seconds = Math.min(5, Number(values.seconds));
  const floor = await measure("--echo", seconds / 2);
  const ours = await measure("--serve", seconds);
  const meanUs = ({ seconds: s, answers }: Measured): string => ((s / answers) * 1e6).toFixed(0);
  const share = ((100 * perSecond(ours.many)) / perSecond(floor.many)).toFixed(0);
  const rows: readonly Row[] = [
    { what: "one query at a time", ...summary(ours.one.timesMs) },
    {
      what: "one query at a time: mean",
      value: `${meanUs(ours.one)} µs (echo: ${meanUs(floor.one)} µs)`,
    },
    { what: `${values.waiting} at a time`, ...summary(ours.many.timesMs) },
    { what: `${values.waiting} at a time, echo`, ...summary(floor.many.timesMs) },
    {
      what: `${values.waiting} at a time: answers a second`,
      value: `${perSecond(ours.many)} (${share} % of the echo's ${perSecond(floor.many)})`,
    },
    {
      what: "the server's CPU for an answer, start-up included",
      value: `${ours.cpuUsEach.toFixed(1)} µs (echo: ${floor.cpuUsEach.toFixed(1)} µs)`,
    },
  ];
  printTable(`names of ${serviceCount} services over UDP on loopback`, rows);
}

if (values.serve !== undefined) await serve(Number(values.serve));
else if (values.echo !== undefined) await echo(Number(values.echo));
else await run();
