import { once } from "node:events";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import type { Clock } from "../base/clock.ts";
import { acceptStreams } from "./accept-streams.ts";
import { startServer } from "./server.ts";
import type { RunningServer } from "./server-contract.ts";
import { outcomeText } from "./stream-outcome.ts";
import type { RemoteStreams, StreamRequest } from "./streams-contract.ts";
import { terminalSizes } from "./terminal-sizes.ts";
import { encodePing, encodeRstStream } from "../streams/spdy-frames.ts";
import { SpdyClient } from "./testing/spdy-client.ts";

const plain: StreamRequest = { stdin: true, stdout: true, stderr: true, tty: false };

describe("acceptStreams over SPDY", () => {
  let server: RunningServer;
  afterEach(() => server.close());

  const accept = async (
    request: StreamRequest,
    clock: Clock = systemClock,
  ): Promise<{ port: number; streams: Promise<RemoteStreams> }> => {
    const streams = Promise.withResolvers<RemoteStreams>();
    streams.promise.catch(() => {});
    server = await startServer({
      address: "127.0.0.1",
      port: 0,
      bodyBytesMax: 1000,
      handler: () => Promise.reject(new Error("no plain requests here")),
      upgrade: async (upgrade) => {
        await acceptStreams(upgrade, request, clock).then(streams.resolve, streams.reject);
      },
    });
    return { port: server.port, streams: streams.promise };
  };
  const openAll = (client: SpdyClient): void => {
    for (const [at, streamtype] of ["error", "stdin", "stdout", "stderr"].entries()) {
      client.open(at * 2 + 1, { streamtype });
    }
  };

  it("carries input, outputs and the outcome, and ends each stream", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port);
    openAll(client);
    client.send(3, "hello ");
    client.send(3, "world", true);
    const remote = await streams;
    let input = "";
    for await (const piece of remote.stdin) input += Buffer.from(piece).toString();
    expect(input).toBe("hello world");
    await remote.writeStdout(Buffer.from("out"));
    await remote.writeStderr(Buffer.from("err"));
    await remote.finish({ exitCode: 3 });
    await once(client.socket, "close");
    expect(client.response).toContain("X-Stream-Protocol-Version: v4.channel.k8s.io");
    expect([client.text(5), client.text(7)]).toEqual(["out", "err"]);
    expect(JSON.parse(client.text(1))).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "3" }] },
    });
    const replies = client.frames.filter(({ is }) => is === "syn-reply");
    const fins = client.frames.filter((frame) => frame.is === "data" && frame.fin);
    expect([replies.length, fins.length]).toEqual([4, 4]);
  });

  it("answers pings, and resets streams that nobody asked for", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port);
    client.open(1, { streamtype: "resize" });
    client.socket.write(encodePing(1));
    await client.until(({ frames }) => frames.some(({ is }) => is === "ping"));
    expect(client.frames).toContainEqual({ is: "rst-stream", streamId: 1, status: 5 });
    for (const [at, streamtype] of ["error", "stdin", "stdout", "stderr"].entries()) {
      client.open(at * 2 + 3, { streamtype });
    }
    const remote = await streams;
    client.open(3, { streamtype: "stdin" });
    await client.until(({ frames }) =>
      frames.some((one) => one.is === "rst-stream" && one.status === 1),
    );
    client.socket.write(encodeRstStream(5, 5));
    for await (const _ of remote.stdin) expect.fail("a stream that was reset has no more data");
    client.socket.destroy();
  });

  it("reads terminal sizes", async () => {
    const { port, streams } = await accept({ ...plain, stdin: false, tty: true });
    const client = new SpdyClient(port);
    for (const [at, streamtype] of ["error", "stdout", "resize"].entries()) {
      client.open(at * 2 + 1, { streamtype });
    }
    const remote = await streams;
    client.send(5, '{"Width":80,"Hei');
    client.send(5, 'ght":24}\n{"Width":3,"Height":2}\n', true);
    const sizes = [];
    for await (const size of remote.resizes) sizes.push(size);
    expect(sizes).toEqual([
      { width: 80, height: 24 },
      { width: 3, height: 2 },
    ]);
    client.socket.destroy();
  });

  it("stops reading while its reader does not read", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port);
    openAll(client);
    const remote = await streams;
    const piece = "x".repeat(65_536);
    let sent = 0;
    while (client.socket.writableLength < 4 * 1024 * 1024 && sent < 1000) {
      client.send(3, piece);
      sent += 1;
      await new Promise((next) => setImmediate(next));
    }
    expect(sent).toBeLessThan(1000);
    client.send(3, "", true);
    let read = 0;
    for await (const data of remote.stdin) read += data.length;
    expect(read).toBe(sent * piece.length);
    client.socket.destroy();
  });

  it("says when the client has gone", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port);
    openAll(client);
    const remote = await streams;
    const gone = once(remote.closed, "abort");
    client.socket.destroy();
    await gone;
    for await (const _ of remote.stdin) expect.fail("nobody is there");
    await remote.writeStdout(Buffer.from("dropped"));
    await remote.finish({ exitCode: 0 });
  });

  it("gives up on a client that opens too few streams, by time or by leaving", async () => {
    let ring: (() => void) | undefined;
    const clock: Clock = {
      ...systemClock,
      after: (_ms, callback) => {
        ring = callback;
        return { [Symbol.dispose]: () => {} };
      },
    };
    const { port, streams } = await accept(plain, clock);
    const client = new SpdyClient(port);
    client.open(1, { streamtype: "error" });
    await client.until(({ frames }) => frames.length > 0);
    ring?.();
    await expect(streams).rejects.toThrow(/wait for the streams stdin, stdout, stderr/);
    await once(client.socket, "close");
  });

  it("ends a connection that breaks the protocol", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port);
    await client.until(({ response }) => response.includes("101"));
    client.socket.write(Buffer.from("8002000600000004000000090000", "hex"));
    await once(client.socket, "close");
    await expect(streams).rejects.toThrow();
  });

  it("refuses protocols that it does not speak, with what it does", async () => {
    const { port, streams } = await accept(plain);
    const client = new SpdyClient(port, "channel.k8s.io");
    await once(client.socket, "close");
    expect(client.response).toMatch(/^HTTP\/1.1 403 Forbidden/);
    expect(client.response).toContain("x-accepted-stream-protocol-versions: v4.channel.k8s.io");
    await expect(streams).rejects.toMatchObject({ reason: "Forbidden" });
  });
});

describe("outcomes", () => {
  for (const [outcome, status] of [
    [{ exitCode: 0 }, { metadata: {}, status: "Success" }],
    [
      { failure: "no sh" },
      {
        status: "Failure",
        reason: "InternalError",
        code: 500,
        message: "Internal error occurred: no sh",
      },
    ],
  ] as const) {
    it(JSON.stringify(outcome), () =>
      expect(JSON.parse(outcomeText(outcome))).toMatchObject(status),
    );
  }
});

it("terminalSizes passes over what is no size", async () => {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('nonsense}{"Width":0,"Height":1}{"Width":"a","Height":1}');
    yield Buffer.from(`${"x".repeat(5000)}`);
    yield Buffer.from('{"Width":9,"Height":8}');
  };
  const sizes = [];
  for await (const size of terminalSizes(pieces())) sizes.push(size);
  expect(sizes).toEqual([{ width: 9, height: 8 }]);
});
