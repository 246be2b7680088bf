import { once } from "node:events";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { EtcdChannel } from "./etcd-channel.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const channelTo = (clock: SimulatedClock, ...ports: number[]): EtcdChannel => {
  const endpoints = ports.map((port) => `http://127.0.0.1:${port}`);
  const channel = new EtcdChannel({ endpoints, clock });
  cleanups.push(() => channel.close());
  return channel;
};

/** A server that takes every call and answers none; `begun` resolves with the first one. */
async function silentServer(): Promise<{ port: number; begun: Promise<unknown> }> {
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => stream.on("error", () => undefined));
  server.on("session", (session) => cleanups.push(() => session.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, begun: once(server, "stream") };
}

/** A machine that has vanished: the connection is there, and nothing ever comes back. */
async function vanishedServer(): Promise<{ port: number; begun: Promise<unknown> }> {
  const server = createServer((socket: Socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("data", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, begun: once(server, "connection") };
}

const causeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "answered",
    (error: unknown) => (error instanceof Error ? error.cause : error),
  );

describe("a call to etcd", () => {
  it("ends when there is no answer in its time, and the connection goes on", async () => {
    const clock = new SimulatedClock();
    const { port, begun } = await silentServer();
    const channel = channelTo(clock, port);
    const first = causeOf(channel.call("range", { key: "a" }));
    await begun;
    await clock.advance(20_000);
    const second = causeOf(channel.call("range", { key: "b" }));
    await clock.advance(10_000);
    expect(await first).toMatchObject({ code: 4 });
    const isOver = Promise.race([second, Promise.resolve("still waiting")]);
    expect(await isOver).toBe("still waiting");
  });

  it("ends with its caller's signal, at once", async () => {
    const { port, begun } = await silentServer();
    const caller = new AbortController();
    const channel = channelTo(new SimulatedClock(), port);
    const call = channel.call("range", { key: "a" }, { signal: caller.signal });
    await begun;
    caller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await expect(channel.call("range", {}, { signal: caller.signal })).rejects.toThrow("enough");
  });

  /** A server that answers every call with these messages, and counts the calls. */
  async function answering(messages: readonly string[], refuse?: number) {
    const seen = { calls: 0 };
    const server = createHttp2Server();
    server.on("session", (session) => cleanups.push(() => session.destroy()));
    server.on("stream", (stream: ServerHttp2Stream) => {
      seen.calls++;
      stream.on("error", () => undefined).resume();
      if (refuse !== undefined) return stream.close(refuse);
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(messages.join(""));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    return { port: (server.address() as AddressInfo).port, seen };
  }
  const emptyMessage = "\0".repeat(5);

  for (const [what, refuse, othersCalls, outcome] of [
    ["moves on when it was refused unseen", 7, 1, "answered"],
    ["is left unknown when it was cut off", 2, 0, { isUnprocessed: false }],
  ] as const) {
    it(`to write ${what}`, async () => {
      const [first, other] = [await answering([], refuse), await answering([emptyMessage])];
      const channel = channelTo(new SimulatedClock(), first.port, other.port);
      const told = await causeOf(channel.call("txn", {}));
      if (outcome === "answered") expect(told).toBe(outcome);
      else expect(told).toMatchObject(outcome);
      expect([first.seen.calls, other.seen.calls]).toEqual([1, othersCalls]);
    });
  }

  it("to write fails when no message came: an empty one would tell of a conflict", async () => {
    const { port } = await answering([]);
    const channel = channelTo(new SimulatedClock(), port);
    await expect(channel.call("txn", {})).rejects.toMatchObject({ reason: "Unavailable" });
    const other = channelTo(new SimulatedClock(), (await answering([emptyMessage])).port);
    expect(await other.call("txn", {})).toEqual({});
  });

  it("ends with the channel", async () => {
    const { port, begun } = await silentServer();
    const channel = channelTo(new SimulatedClock(), port);
    const call = causeOf(channel.call("range", { key: "a" }));
    await begun;
    channel.close();
    expect(await call).toMatchObject({ code: 1 });
    expect(await causeOf(channel.call("range", { key: "a" }))).toMatchObject({ code: 14 });
  });

  it("and a watch end when the server has vanished without a word", async () => {
    const clock = new SimulatedClock();
    const { port, begun } = await vanishedServer();
    const channel = channelTo(clock, port);
    const stop = new AbortController();
    const watch = channel.watch({}, stop.signal)[Symbol.asyncIterator]().next();
    const outcome = causeOf(watch);
    await begun;
    // The client sees the connection a turn later than the server does.
    await new Promise((resolve) => void setImmediate(resolve));
    await clock.advance(30_000);
    await clock.advance(10_000);
    expect(await outcome).toMatchObject({ code: 14, details: "the server does not answer" });
  });
});
