import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createRelay } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "../../base/clock.ts";
import { systemClock } from "../../base/system-clock.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { type Call, GrpcConnection } from "./connection.ts";
import { GrpcError } from "./grpc-status.ts";

/** Node's own HTTP/2 is the judge: what it understands, and what it makes of its answers. */
interface Peer {
  readonly server: Http2Server;
  readonly endpoint: string;
  /** Streams open at once, at most. */
  readonly most: { count: number };
}

type Answer = (stream: ServerHttp2Stream, message: Buffer) => void;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const prefixed = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

const reply = (stream: ServerHttp2Stream, message: Uint8Array, trailers = {}): void => {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", ...trailers }));
  stream.end(prefixed(message));
};

const echo: Answer = (stream, message) => reply(stream, message);

async function listen(answer: Answer, settings = {}): Promise<Peer> {
  const server = createServer({ settings });
  const most = { count: 0 };
  let open = 0;
  server.on("stream", (stream: ServerHttp2Stream) => {
    most.count = Math.max(most.count, ++open);
    const pieces: Buffer[] = [];
    stream.on("data", (piece: Buffer) => void pieces.push(piece));
    stream.on("close", () => open--);
    stream.on("error", () => undefined);
    stream.on("end", () => answer(stream, Buffer.concat(pieces).subarray(5)));
  });
  server.on("session", (session) => cleanups.push(() => session.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { server, endpoint: `http://127.0.0.1:${port}`, most };
}

function connect(endpoint: string, clock: Clock = systemClock): GrpcConnection {
  const options = { endpoint, tls: {}, clock, messageBytesMax: 10_000_000 };
  const connection = new GrpcConnection(options);
  cleanups.push(() => connection.close());
  return connection;
}

const call: Call = { path: "/test.Service/Method" };

/** The one answer, as text. */
const ask = (connection: GrpcConnection, message: Uint8Array | string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    connection.call(call, Buffer.from(message), {
      onMessage: (bytes) => (answer = Buffer.from(bytes)),
      onEnd: (error) => (error === undefined ? resolve(answer) : reject(error)),
    });
  });

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof GrpcError ? error.code : error),
  );

describe("a gRPC connection", () => {
  it("carries many calls at once, each with its own answer", async () => {
    const connection = connect((await listen(echo)).endpoint);
    const messages = Array.from({ length: 300 }, (_, index) => `${index} `.repeat(index));
    const answers = await Promise.all(messages.map((message) => ask(connection, message)));
    expect(answers.map(String)).toEqual(messages);
  });

  it("carries messages larger than all windows and frames, both ways", async () => {
    const connection = connect((await listen(echo)).endpoint);
    const large = Buffer.alloc(3_000_000, "0123456789");
    const answers = await Promise.all([large, large, "small"].map((one) => ask(connection, one)));
    expect(answers.map(({ length }) => length)).toEqual([large.length, large.length, 5]);
    expect(answers[1]?.equals(large)).toBe(true);
  });

  it("keeps to the number of streams that the server takes", async () => {
    const { endpoint, most } = await listen(echo, { maxConcurrentStreams: 3 });
    const connection = connect(endpoint);
    await ask(connection, "first"); // the server's settings have come with its answer
    most.count = 0;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(connection, String(index))),
    );
    expect(answers.map(String)).toEqual(Array.from({ length: 20 }, (_, index) => String(index)));
    expect(most.count).toBeLessThanOrEqual(3);
  });

  it("does without a header table where the server has none", async () => {
    const connection = connect((await listen(echo, { headerTableSize: 0 })).endpoint);
    for (const message of ["a", "b", "c"])
      expect(String(await ask(connection, message))).toBe(message);
  });

  it("tells the server's status and words, of any characters", async () => {
    const details = "etcdserver: ~ü %25 \u{1f600}";
    const error = { "grpc-status": "11", "grpc-message": encodeURIComponent(details) };
    const answers: readonly Answer[] = [
      (stream) => reply(stream, Buffer.alloc(0), error),
      // Nothing but trailers, as for a call that failed at once.
      (stream) => stream.respond(error, { endStream: true }),
    ];
    for (const answer of answers) {
      const { endpoint } = await listen(answer);
      await expect(ask(connect(endpoint), "")).rejects.toMatchObject({ code: 11, details });
    }
    const broken = await listen((stream) =>
      stream.respond({ ":status": 502 }, { endStream: true }),
    );
    expect(await codeOf(ask(connect(broken.endpoint), ""))).toBe(14);
  });

  it("ends a call that the server resets, and no other", async () => {
    const { endpoint } = await listen((stream, message) =>
      String(message) === "bad" ? stream.close(2) : echo(stream, message),
    );
    const connection = connect(endpoint);
    const outcomes = ["good", "bad", "good"].map((message) => codeOf(ask(connection, message)));
    expect(await Promise.all(outcomes)).toEqual(["ok", 14, "ok"]);
  });

  it("refuses a message above its limit", async () => {
    const { endpoint } = await listen((stream) => reply(stream, Buffer.alloc(10_000_001)));
    expect(await codeOf(ask(connect(endpoint), ""))).toBe(8);
  });

  it("tells the server of a call that is cancelled", async () => {
    const reset = Promise.withResolvers<number>();
    const { endpoint, server } = await listen(() => undefined);
    server.on("stream", (stream: ServerHttp2Stream) =>
      stream.on("close", () => reset.resolve(stream.rstCode)),
    );
    const ended = Promise.withResolvers<GrpcError | undefined>();
    const begun = once(server, "stream");
    const handler = { onMessage: () => undefined, onEnd: ended.resolve };
    const ongoing = connect(endpoint).call(call, Buffer.from("x"), handler);
    await begun;
    ongoing.cancel(new GrpcError(1, "the caller left"));
    expect(await ended.promise).toMatchObject({ code: 1 });
    expect(await reset.promise).toBe(8);
  });

  it("lets the calls of a server that leaves end, and makes the next on a new connection", async () => {
    let sessions = 0;
    const { endpoint, server } = await listen((stream, message) => {
      if (String(message) === "leave") stream.session?.goaway(0, stream.id);
      setImmediate(() => echo(stream, message));
    });
    server.on("session", () => sessions++);
    const connection = connect(endpoint);
    expect(String(await ask(connection, "leave"))).toBe("leave");
    expect(String(await ask(connection, "again"))).toBe("again");
    expect(sessions).toBe(2);
  });

  describe("whose server leaves while a call goes on", () => {
    /** A server that keeps a watch open after GOAWAY; the session of that watch, and its end. */
    async function leaving(clock: Clock) {
      const { endpoint, server } = await listen((stream, message) => {
        if (String(message) === "watch") stream.session?.goaway(0, stream.id);
        else echo(stream, message);
      });
      // In between, so that a machine can vanish: HTTP/2 lets nobody have its sockets.
      const ways: { readonly silence: () => void }[] = [];
      const relay = createRelay((client) => {
        const inner = connectTcp(Number(new URL(endpoint).port), "127.0.0.1");
        inner.on("error", () => client.destroy()).pipe(client.on("error", () => inner.destroy()));
        client.pipe(inner);
        ways.push({ silence: () => inner.unpipe(client) });
        cleanups.push(() => client.destroy());
      });
      relay.listen(0, "127.0.0.1");
      await once(relay, "listening");
      cleanups.push(() => relay.close());
      const { port } = relay.address() as AddressInfo;
      const connection = connect(`http://127.0.0.1:${port}`, clock);
      const watch = codeOf(ask(connection, "watch"));
      await once(server, "stream");
      // Until the client has heard that the server leaves.
      await expect.poll(() => ask(connection, "other").then(() => ways.length)).toBe(2);
      return { connection, watch, ways };
    }

    it("ends that call when it is closed", async () => {
      const { connection, watch } = await leaving(systemClock);
      connection.close();
      expect(await watch).toBe(1);
    });

    it("notices when that server has vanished, and keeps the new one", async () => {
      const clock = new SimulatedClock();
      const { connection, watch, ways } = await leaving(clock);
      ways[0]?.silence();
      await clock.advance(30_000);
      await clock.advance(10_000);
      expect(await watch).toBe(14);
      expect(String(await ask(connection, "still"))).toBe("still");
      expect(ways.length).toBe(2);
    });
  });

  it("fails calls when the connection is lost or cannot be made, and recovers", async () => {
    const { endpoint, server } = await listen((stream) => stream.session?.destroy());
    const connection = connect(endpoint);
    const lost = [ask(connection, "a"), ask(connection, "b")].map(codeOf);
    expect(await Promise.all(lost)).toEqual([14, 14]);
    expect(connection.isDown).toBe(false);
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, "close");
    expect(await codeOf(ask(connection, "c"))).toBe(14);
    expect(connection.isDown).toBe(true);
    // At once, without another attempt.
    expect(await codeOf(ask(connection, "d"))).toBe(14);
    const other = createServer().listen(port, "127.0.0.1");
    cleanups.push(() => other.close());
    other.on("stream", (stream: ServerHttp2Stream) => {
      stream.resume();
      reply(stream, Buffer.from("back"));
    });
    other.on("session", (session) => cleanups.push(() => session.destroy()));
    await expect.poll(() => codeOf(ask(connection, "e")), { interval: 20 }).toBe("ok");
  });
});
