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
