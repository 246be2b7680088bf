/**
 * How many cluster names a second one process answers over UDP, and how long one answer takes:
 * the server is a process of its own, its client another, both on loopback, for a few seconds.
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

async function run(): Promise<void> {
  const port = await freePort();
  const words = [...values["node-option"], import.meta.filename, "--serve", String(port)];
  const child = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const seconds = Math.min(5, Number(values.seconds));
  const warm = await ask(port, 8, 0.5);
  const one = await ask(port, 1, seconds / 4);
  const many = await ask(port, Number(values.waiting), (seconds * 3) / 4);
  const told = once(child.stdout, "data");
  child.stdin.end();
  const [text] = (await told) as [Buffer];
  const { cpuMs } = JSON.parse(text.toString()) as { cpuMs: number };
  const all = warm.answers + one.answers + many.answers;
  const perSecond = Math.round(many.answers / many.seconds);
  const rows: readonly Row[] = [
    { what: "one query at a time", ...summary(one.timesMs) },
    {
      what: "one query at a time: mean",
      value: `${((one.seconds / one.answers) * 1e6).toFixed(0)} µs`,
    },
    { what: `${values.waiting} at a time`, ...summary(many.timesMs) },
    { what: `${values.waiting} at a time: answers a second`, value: String(perSecond) },
    {
      what: "the server's CPU for an answer, start-up included",
      value: `${((cpuMs * 1_000) / all).toFixed(1)} µs`,
    },
  ];
  printTable(`names of ${serviceCount} services over UDP on loopback`, rows);
}

await (values.serve === undefined ? run() : serve(Number(values.serve)));
