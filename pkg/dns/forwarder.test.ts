import { createSocket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { randomFrom, seededRandom } from "../base/random.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { createForwarder, parseNameServers } from "./forwarder.ts";
import { decodeQuery, encodeAnswer, failure } from "./message.ts";
import { fakeUpstream } from "./testing/fake-upstream.ts";
import { headerOf, queryFor } from "./testing/queries.ts";

const good = { ...failure(0), answers: [] };
const query = (id: number, name = "A.example"): Buffer => queryFor(name, 1, { id });
const random = seededRandom(1);

describe("over UDP", () => {
  it("ids on the wire are others than the clients', and all different", async () => {
    await using upstream = await fakeUpstream(() => good);
    // Chance at its worst: always the same number.
    const stuck = randomFrom(() => 0.5);
    using forwarder = createForwarder({
      servers: ["127.0.0.1"],
      port: upstream.port,
      clock: new SimulatedClock(),
      random: stuck,
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, id) => forwarder.ask(query(id), "udp")),
    );
    expect(answers.map((one) => Buffer.from(one).readUInt16BE(0))).toEqual([...answers.keys()]);
    expect(upstream.ids.toSorted((a, b) => a - b)).toEqual(answers.map((_, at) => 0x8000 + at));
  });

  it("takes no answer from elsewhere, to another question, or that is none", async () => {
    const clock = new SimulatedClock();
    const server = createSocket("udp4").bind(0, "127.0.0.1");
    const stranger = createSocket("udp4").bind(0, "127.0.0.1");
    await Promise.all([once(server, "listening"), once(stranger, "listening")]);
    const { port } = server.address();
    using forwarder = createForwarder({ servers: ["127.0.0.1"], port, clock, random });
    const asked = once(server, "message");
    const answered = forwarder.ask(query(9), "udp");
    const [message, from] = (await asked) as [Buffer, { port: number }];
    const answer = (bytes: Uint8Array, code: number): Uint8Array =>
      encodeAnswer(decodeQuery(bytes), failure(code), 512);
    const other = query(message.readUInt16BE(0), "b.example");
    stranger.send(answer(message, 3), from.port, "127.0.0.1");
    for (const bytes of [Buffer.alloc(0), Buffer.of(1), message, answer(other, 3)])
      server.send(bytes, from.port, "127.0.0.1");
    // The case of names is the server's to change.
    const right = query(message.readUInt16BE(0), "a.EXAMPLE");
    server.send(answer(right, 0), from.port, "127.0.0.1");
    expect(headerOf(await answered)).toBe("9 0 0+0+0");
    for (const socket of [server, stranger]) socket.close();
  });
});

describe("the next server is asked", () => {
  const clock = new SimulatedClock();
  for (const over of ["udp", "tcp"] as const) {
    it(`when the first is silent for two seconds (${over})`, async () => {
      await using second = await fakeUpstream(() => good, { address: "127.0.0.3" });
      await using first = await fakeUpstream(() => undefined, {
        address: "127.0.0.2",
        port: second.port,
      });
      using forwarder = createForwarder({
        servers: ["127.0.0.2", "127.0.0.3"],
        port: second.port,
        clock,
        random,
      });
      const asked = first.next();
      const answered = forwarder.ask(query(1), over);
      await asked;
      expect(second.asked).toEqual([]);
      await clock.advance(2_000);
      expect(headerOf(await answered)).toBe("1 0 0+0+0");
      expect(second.asked).toEqual([`${over} a.example 1`]);
    });
  }

  for (const code of [2, 4, 5]) {
    it(`when the first refuses (${code}); its refusal is the answer when all do`, async () => {
      await using second = await fakeUpstream(({ name }) => (name === "b" ? failure(5) : good), {
        address: "127.0.0.3",
      });
      await using _first = await fakeUpstream(() => failure(code), {
        address: "127.0.0.2",
        port: second.port,
      });
      const servers = ["127.0.0.2", "127.0.0.3"];
      using forwarder = createForwarder({ servers, port: second.port, clock, random });
      expect(headerOf(await forwarder.ask(query(1), "udp"))).toBe("1 0 0+0+0");
      expect(headerOf(await forwarder.ask(query(1, "b"), "udp"))).toBe(`1 ${code} 0+0+0`);
    });
  }

  it("never, when there is no such name: that is an answer", async () => {
    await using upstream = await fakeUpstream(() => failure(3));
    const servers = ["127.0.0.1", "127.0.0.1"];
    using forwarder = createForwarder({ servers, port: upstream.port, clock, random });
    await forwarder.ask(query(1), "udp");
    expect(upstream.asked).toHaveLength(1);
  });
});

describe("bounds", () => {
  it("a thousand queries wait, the next is turned away; closing ends all", async () => {
    await using upstream = await fakeUpstream(() => undefined);
    const forwarder = createForwarder({
      servers: ["127.0.0.1"],
      port: upstream.port,
      clock: new SimulatedClock(),
      random,
    });
    const waiting = Array.from({ length: 1_000 }, (_, id) => forwarder.ask(query(id), "udp"));
    const ends = Promise.allSettled(waiting);
    await expect(forwarder.ask(query(1), "udp")).rejects.toThrow("too many queries");
    forwarder[Symbol.dispose]();
    expect((await ends).every(({ status }) => status === "rejected")).toBe(true);
  });

  it("without servers there is no answer", async () => {
    using forwarder = createForwarder({ servers: [], clock: new SimulatedClock(), random });
    await expect(forwarder.ask(query(1), "tcp")).rejects.toThrow("no other name servers");
  });
});

it("resolv.conf(5): IPv4 name servers in their order", () => {
  const text = "search a.b\nnameserver 10.0.0.1\n nameserver 10.0.0.2 \n#nameserver 1.1.1.1\n";
  expect(parseNameServers(`${text}nameserver fe80::1\n`)).toEqual(["10.0.0.1", "10.0.0.2"]);
});
