import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Service } from "../../api/core/v1.ts";
import { endpointSlices, namespaces, services } from "../../api/resources.ts";
import { seededRandom } from "../base/random.ts";
import { StoredInformers } from "../client/testing/stored-informers.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { runDnsServer } from "./dns-server.ts";
import { createForwarder } from "./forwarder.ts";
import { failure, type Answer, type Query } from "./message.ts";
import { fakeUpstream, freePort, type FakeUpstream } from "./testing/fake-upstream.ts";
import { headerOf, queryFor } from "./testing/queries.ts";

const service = (name: string, spec: NonNullable<Service["spec"]>): Service => ({
  metadata: { name, namespace: "default" },
  spec,
});
const manyAddresses = Array.from({ length: 200 }, (_, at) => `10.244.1.${at + 1}`);

function informersOfCluster(): StoredInformers {
  const informers = new StoredInformers();
  informers.put(namespaces, { metadata: { name: "default" } });
  informers.put(
    services,
    service("web", { clusterIP: "10.96.0.10", ports: [{ name: "http", port: 80 }] }),
    service("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] }),
    service("out", { type: "ExternalName", externalName: "a.example" }),
    service("in", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }),
    service("round", { type: "ExternalName", externalName: "round.default.svc.cluster.local" }),
    service("lost", { type: "ExternalName", externalName: "nothing.example" }),
  );
  informers.put(endpointSlices, {
    metadata: {
      name: "db-1",
      namespace: "default",
      labels: { "kubernetes.io/service-name": "db" },
    },
    addressType: "IPv4",
    endpoints: manyAddresses.map((address) => ({ addresses: [address] })),
  });
  return informers;
}

/** a.example and big.example have addresses; silent.example never answers; others are not there. */
function outside(query: Query): Answer | undefined {
  if (query.name === "silent.example") return undefined;
  const count = { "a.example": 1, "big.example": 100 }[query.name];
  if (count === undefined) return failure(3);
  const address = Uint8Array.from({ length: 16 }, (_, at) => at);
  const answers = Array.from({ length: count }, (_, at) => ({
    name: query.name,
    ttlSeconds: 20,
    data:
      query.type === 28
        ? ({ type: "AAAA", address } as const)
        : ({ type: "A", address: `192.0.2.${at + 1}` } as const),
  }));
  return { ...failure(0), answers };
}

interface TestServer {
  readonly port: number;
  readonly informers: StoredInformers;
  readonly upstream: FakeUpstream;
  readonly clock: SimulatedClock;
  readonly client: Resolver;
  readonly stop: () => Promise<void>;
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(): Promise<TestServer> {
  const informers = informersOfCluster();
  const upstream = await fakeUpstream(outside);
  const clock = new SimulatedClock();
  const random = seededRandom(1);
  const forwarder = createForwarder({
    servers: ["127.0.0.1"],
    port: upstream.port,
    clock,
    random,
  });
  const port = await freePort();
  const ending = new AbortController();
  const ready = Promise.withResolvers<void>();
  const running = runDnsServer(
    {
      informers,
      forwarder,
      clock,
      logger: silentLogger,
      zone: "cluster.local",
      addresses: ["127.0.0.1"],
      port,
      onReady: ready.resolve,
    },
    ending.signal,
  );
  await Promise.race([ready.promise, running]);
  const client = new Resolver({ timeout: 5_000, tries: 1 });
  client.setServers([`127.0.0.1:${port}`]);
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
    forwarder[Symbol.dispose]();
    await upstream[Symbol.asyncDispose]();
  };
  ends.push(stop);
  return { port, informers, upstream, clock, client, stop };
}

/** The answer to one datagram. */
async function askUdp(port: number, ...messages: readonly Uint8Array[]): Promise<Buffer> {
  const socket = createSocket("udp4");
  const answered = once(socket, "message");
  for (const message of messages) socket.send(message, port, "127.0.0.1");
  const [answer] = (await answered) as [Buffer];
  socket.close();
  return answer;
}

/** All answers of one connection on which all queries are sent at once, and no more. */
async function askTcp(port: number, ...messages: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const frames = messages.flatMap((one) => [Uint8Array.of(one.length >>> 8, one.length), one]);
  socket.end(Buffer.concat(frames));
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  let rest = Buffer.concat(pieces);
  const answers: Buffer[] = [];
  while (rest.length > 0) {
    const end = rest.readUInt16BE(0) + 2;
    answers.push(rest.subarray(2, end));
    rest = rest.subarray(end);
  }
  return answers;
}

const web = "web.default.svc.cluster.local";
const db = "db.default.svc.cluster.local";

describe("the cluster's names, to Node's own resolver", () => {
  it("a service, whatever the case of its name", async () => {
    const { client } = await serve();
    expect(await client.resolve4(web)).toEqual(["10.96.0.10"]);
    expect(await client.resolve4("WEB.Default.SVC.cluster.LOCAL")).toEqual(["10.96.0.10"]);
    expect(await client.reverse("10.96.0.10")).toEqual([web]);
    expect(await client.resolveSrv(`_http._tcp.${web}`)).toMatchObject([{ name: web, port: 80 }]);
  });

  it("a name that is not there: no such name, with the zone's SOA", async () => {
    const { client, port } = await serve();
    await expect(client.resolve4(`nope.${web}`)).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(client.resolve6(web)).rejects.toMatchObject({ code: "ENODATA" });
    const answer = await askUdp(port, queryFor("nope.cluster.local", 1));
    expect(headerOf(answer)).toBe("1234 3 0+1+0");
  });

  it("a change is seen by the next query, and a second one gets the same answer", async () => {
    const { client, informers } = await serve();
    expect(await client.resolve4(web)).toEqual(["10.96.0.10"]);
    expect(await client.resolve4(web)).toEqual(["10.96.0.10"]);
    informers.put(services, service("web", { clusterIP: "10.96.0.99" }));
    expect(await client.resolve4(web)).toEqual(["10.96.0.99"]);
    informers.remove(services, service("web", {}));
    await expect(client.resolve4(web)).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  it("what does not fit into a datagram comes over TCP", async () => {
    const { client, port } = await serve();
    expect(headerOf(await askUdp(port, queryFor(db, 1)))).toMatch(/^1234 0 \d\d\+0\+0 TC$/);
    expect((await client.resolve4(db)).toSorted()).toEqual(manyAddresses.toSorted());
  });
});

describe("messages", () => {
  it("answers repeat id and question, byte by byte", async () => {
    const { port } = await serve();
    for (const [id, name] of [
      [0xabcd, web],
      [0x0001, web],
      [0x0002, "Web.default.svc.Cluster.local"],
    ] as const) {
      const query = queryFor(name, 1, { id });
      const answer = await askUdp(port, query);
      expect(headerOf(answer)).toBe(`${id.toString(16)} 0 1+0+0`);
      expect(answer.subarray(12, query.length)).toEqual(query.subarray(12));
    }
  });

  it("EDNS is answered with EDNS, and larger answers", async () => {
    const { port } = await serve();
    expect(headerOf(await askUdp(port, queryFor(web, 1, { edns: 1232 })))).toBe("1234 0 1+0+1");
    const large = await askUdp(port, queryFor(db, 1, { edns: 4096 }));
    expect(large.length).toBeGreaterThan(1_200);
    expect(large.length).toBeLessThanOrEqual(1_232);
  });

  it("another version of EDNS is refused with ours", async () => {
    const { port } = await serve();
    const query = queryFor(web, 1, { edns: 1232 });
    query[query.length - 5] = 1;
    const answer = await askUdp(port, query);
    expect(headerOf(answer)).toBe("1234 0 0+0+1");
    expect(answer.subarray(-6, -4)).toEqual(Buffer.of(1, 0));
  });

  for (const [title, change, expected] of [
    ["two questions: a format error", { 5: 2 }, "1234 1 0+0+0"],
    ["another opcode: not implemented", { 2: 0x29 }, "1234 4 0+0+0"],
    ["another class: refused", { [12 + web.length + 5]: 3 }, "1234 5 0+0+0"],
  ] as const) {
    it(title, async () => {
      const { port } = await serve();
      const query = queryFor(web, 1);
      for (const [at, byte] of Object.entries(change)) query[Number(at)] = byte;
      expect(headerOf(await askUdp(port, query))).toBe(expected);
    });
  }

  it("what is no query gets no answer, and does no harm", async () => {
    const { port } = await serve();
    const answer = queryFor(web, 1, { id: 1 });
    answer[2] = 0x80;
    const good = queryFor(web, 1, { id: 2 });
    expect(headerOf(await askUdp(port, Buffer.alloc(0), Buffer.of(1), answer, good))).toMatch(
      /^2 /,
    );
  });
});

describe("over TCP", () => {
  it("queries sent at once are answered in their order, after the client has ended too", async () => {
    const { port } = await serve();
    const queries = ["a.example", web, "nope.cluster.local"].map((name, id) =>
      queryFor(name, 1, { id: id + 1 }),
    );
    const answers = await askTcp(port, ...queries);
    expect(answers.map(headerOf)).toEqual(["1 0 1+0+0", "2 0 1+0+0", "3 3 0+1+0"]);
  });

  it("one query may come byte by byte", async () => {
    const { port } = await serve();
    const query = queryFor(web, 1);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    for (const byte of [0, query.length, ...query]) socket.write(Uint8Array.of(byte));
    const [answer] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(headerOf(answer.subarray(2))).toBe("1234 0 1+0+0");
  });
});

describe("names of others", () => {
  it("are asked for once while the answer lasts, and again after it", async () => {
    const { client, upstream, clock } = await serve();
    const [first] = await client.resolve4("a.example", { ttl: true });
    expect(first).toEqual({ address: "192.0.2.1", ttl: 20 });
    await clock.advance(7_000);
    const [second] = await client.resolve4("a.example", { ttl: true });
    expect(second).toEqual({ address: "192.0.2.1", ttl: 13 });
    expect(upstream.asked).toEqual(["udp a.example 1"]);
    await clock.advance(13_000);
    await client.resolve4("a.example");
    expect(upstream.asked).toHaveLength(2);
  });

  it("that are not there are remembered for five seconds", async () => {
    const { client, upstream, clock } = await serve();
    const ask = (): Promise<unknown> =>
      client.resolve4("nothing.example").catch((error: { code: string }) => error.code);
    expect([await ask(), await ask()]).toEqual(["ENOTFOUND", "ENOTFOUND"]);
    expect(upstream.asked).toHaveLength(1);
    await clock.advance(5_000);
    await ask();
    expect(upstream.asked).toHaveLength(2);
  });

  it("go on over TCP when they are too long", async () => {
    const { client, upstream } = await serve();
    expect(await client.resolve4("big.example")).toHaveLength(100);
    expect(upstream.asked).toEqual(["udp big.example 1", "tcp big.example 1"]);
  });

  it("without an answer from anybody: a failure, with the question", async () => {
    const { client, upstream, clock } = await serve();
    const asked = upstream.next();
    const failed = expect(client.resolve4("silent.example")).rejects.toMatchObject({
      code: "ESERVFAIL",
    });
    await asked;
    await clock.advance(2_000);
    await failed;
  });
});

describe("an ExternalName", () => {
  it("comes with the addresses that it leads to, of both families", async () => {
    const { client } = await serve();
    const name = "out.default.svc.cluster.local";
    expect(await client.resolve4(name)).toEqual(["192.0.2.1"]);
    expect(await client.resolve6(name)).toEqual(["1:203:405:607:809:a0b:c0d:e0f"]);
    expect(await client.resolveCname(name)).toEqual(["a.example"]);
  });

  it("may lead back into the cluster", async () => {
    const { client, upstream } = await serve();
    expect(await client.resolve4("in.default.svc.cluster.local")).toEqual(["10.96.0.10"]);
    expect(upstream.asked).toEqual([]);
  });

  for (const [name, code] of [
    ["round", "ESERVFAIL"],
    ["lost", "ENOTFOUND"],
  ] as const) {
    it(`that leads nowhere says so: ${name}`, async () => {
      const { client } = await serve();
      await expect(client.resolve4(`${name}.default.svc.cluster.local`)).rejects.toMatchObject({
        code,
      });
    });
  }
});

it("a second server on the same address is told so, and leaves nothing bound", async () => {
  const { port, client, informers, clock, stop } = await serve();
  using forwarder = createForwarder({ servers: [], clock, random: seededRandom(2) });
  const options = { informers, forwarder, clock, logger: silentLogger, zone: "cluster.local" };
  const second = runDnsServer(
    { ...options, addresses: ["127.0.0.1"], port },
    new AbortController().signal,
  );
  await expect(second).rejects.toThrow(`listen for names on port ${port}`);
  expect(await client.resolve4(web)).toEqual(["10.96.0.10"]);
  await stop();
  ends.splice(0);
  const ending = new AbortController();
  const again = runDnsServer(
    { ...options, addresses: ["127.0.0.1"], port, onReady: () => ending.abort() },
    ending.signal,
  );
  await again;
});
