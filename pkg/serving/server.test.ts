import { once } from "node:events";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { connect as h2connect, type ClientHttp2Session } from "node:http2";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import type { Handler, WireRequest } from "../base/wire.ts";
import { StatusError } from "../machinery/status-error.ts";
import { createAuthority } from "../pki/authority.ts";
import { startServer } from "./server.ts";
import type { RunningServer, ServerOptions } from "./server-contract.ts";

const doors = { clock: systemClock, random: systemRandom };
const validForMs = 3_600_000;
const authority = createAuthority({ commonName: "ca", validForMs }, doors);
const stranger = createAuthority({ commonName: "stranger", validForMs }, doors);
const certificate = authority.issue(
  { subject: { commonName: "s" }, names: ["127.0.0.1"], usages: ["server auth"], validForMs },
  doors,
);
const jane = {
  subject: { commonName: "jane", organizations: ["a", "b"] },
  usages: ["client auth" as const],
  validForMs,
};
const tls = { ...certificate, clientAuthorities: authority.certificate };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const headers = { "content-type": "text/plain" };

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of ["a", "b", "c"]) yield bytes(piece);
}
/** What handlers under test do, by path. */
const answers: Record<string, Handler> = {
  "/one": async () => ({ status: 200, headers, body: bytes("one") }),
  "/list": async () => ({ status: 200, headers, body: [bytes("a"), bytes("bc")] }),
  "/pieces": async () => ({ status: 200, headers, body: pieces() }),
  "/none": async () => ({ status: 204, headers: {}, body: new Uint8Array(0) }),
  "/refused": () => Promise.reject(new StatusError("NotFound", "gone", { name: "x" })),
  "/broken": () => Promise.reject(new Error("secret")),
};
let last: WireRequest;
const handler: Handler = async (request) => {
  last = request;
  const [path = ""] = request.path.split("?");
  const answer = answers[path];
  if (answer !== undefined) return answer(request);
  const { method, path: whole, body, peer } = request;
  const text = body === undefined ? null : new TextDecoder().decode(body);
  const said = { method, path: whole, body: text, peer, type: request.headers["content-type"] };
  return { status: 200, headers, body: bytes(JSON.stringify(said)) };
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}
const options = (port: number): RequestOptions => ({
  host: "127.0.0.1",
  port,
  ca: authority.certificate,
  agent: new Agent({ keepAlive: false }),
});
async function ask(
  port: number,
  more: Omit<RequestOptions, "headers"> & { headers?: Record<string, string>; body?: string },
): Promise<Answer> {
  const length = more.body === undefined ? {} : { "content-length": more.body.length };
  const isChunked = "transfer-encoding" in (more.headers ?? {});
  const headers = { ...more.headers, ...(isChunked ? {} : length) };
  const request = httpsRequest({ ...options(port), ...more, headers });
  request.end(more.body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  for await (const piece of response.setEncoding("utf8")) text += piece;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

const common: Omit<ServerOptions, "handler"> = {
  tls,
  address: "127.0.0.1",
  port: 0,
  bodyBytesMax: 1000,
};

describe("startServer", () => {
  let server: RunningServer;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    server = await startServer({ ...common, handler });
    const client = authority.issue(jane, doors);
    session = h2connect(`https://127.0.0.1:${server.port}`, {
      ca: authority.certificate,
      cert: client.certificate,
      key: client.key,
    });
  });
  afterAll(async () => {
    session.close();
    await server.close();
  });

  const askH2 = async (head: Record<string, string>, body?: string): Promise<Answer> => {
    const stream = session.request(head, { endStream: body === undefined });
    if (body !== undefined) stream.end(body);
    const [got] = (await once(stream, "response")) as [Record<string, string>];
    let text = "";
    for await (const piece of stream.setEncoding("utf8")) text += piece;
    return { status: Number(got[":status"]), headers: got, text };
  };

  it("answers one buffer, a list and nothing, with their lengths", async () => {
    const one = await ask(server.port, { path: "/one" });
    expect([one.status, one.text, one.headers["content-length"]]).toEqual([200, "one", "3"]);
    const list = await ask(server.port, { path: "/list" });
    expect([list.text, list.headers["content-length"]]).toEqual(["abc", "3"]);
    const overH2 = await askH2({ ":path": "/list" });
    expect([overH2.text, overH2.headers["content-length"]]).toEqual(["abc", "3"]);
    expect((await askH2({ ":path": "/pieces" })).text).toBe("abc");
    expect((await askH2({ ":path": "/none" })).status).toBe(204);
    const none = await ask(server.port, { path: "/none" });
    expect([none.status, none.headers["content-length"]]).toEqual([204, undefined]);
  });

  it("answers HEAD without a body", async () => {
    const head = await ask(server.port, { path: "/one", method: "HEAD" });
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", "3"]);
  });

  for (const [method, type, body] of [
    ["POST", "application/json", '{"a":1}'],
    ["PATCH", "application/strategic-merge-patch+json", "{}"],
    ["PUT", "application/vnd.kubernetes.protobuf", "k8s"],
    ["DELETE", "application/json;charset=utf-8", "{}"],
    ["POST", undefined, "untyped"],
  ] as const) {
    it(`hands over the body of ${method} as ${type ?? "nothing"}, on both protocols`, async () => {
      const path = "/api/v1/a%2Fb?x=%zz&limit=5";
      const head = type === undefined ? {} : { "content-type": type };
      const one = await ask(server.port, { method, path, headers: head, body });
      expect(JSON.parse(one.text)).toMatchObject({ method, path, body });
      const length = { "content-length": String(body.length) };
      const two = await askH2({ ":method": method, ":path": path, ...head, ...length }, body);
      expect(JSON.parse(two.text)).toMatchObject({ method, path, body });
    });
  }

  it("says 413 with a Status for a body over the limit, with and without a length", async () => {
    const headers = { "content-type": "application/json" };
    for (const more of [{}, { "transfer-encoding": "chunked" }]) {
      const body = "x".repeat(1001);
      const answer = await ask(server.port, {
        method: "POST",
        body,
        headers: { ...headers, ...more },
      });
      expect(answer.status).toBe(413);
      expect(JSON.parse(answer.text)).toMatchObject({
        kind: "Status",
        reason: "RequestEntityTooLarge",
        message: "Request entity too large: limit is 1000",
        code: 413,
      });
    }
  });

  it("refuses methods that the API does not have", async () => {
    const answer = await ask(server.port, { path: "/one", method: "PROPFIND" });
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([405, { kind: "Status" }]);
  });

  it("makes a Status of what a handler throws, and keeps strangers' words to itself", async () => {
    const refused = await ask(server.port, { path: "/refused" });
    expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
      404,
      { reason: "NotFound", message: "gone", details: { name: "x" } },
    ]);
    const broken = await ask(server.port, { path: "/broken" });
    expect(broken.status).toBe(500);
    expect(broken.text).not.toContain("secret");
  });

  it("tells who calls by the client certificate", async () => {
    const good = authority.issue(jane, doors);
    const bad = stranger.issue(jane, doors);
    const certificate = { commonName: "jane", organizations: ["a", "b"] };
    const one = await ask(server.port, { path: "/", cert: good.certificate, key: good.key });
    expect(JSON.parse(one.text).peer).toMatchObject({ certificate, address: "127.0.0.1" });
    const two = await askH2({ ":path": "/" });
    expect(JSON.parse(two.text).peer).toMatchObject({ certificate });
    expect(last.headers["host"]).toBe(`127.0.0.1:${server.port}`);
    const nobody = await ask(server.port, { path: "/" });
    expect(JSON.parse(nobody.text).peer).toEqual({ address: "127.0.0.1" });
    const forged = await ask(server.port, { path: "/", cert: bad.certificate, key: bad.key });
    expect(JSON.parse(forged.text).peer.certificate).toBeUndefined();
    expect(JSON.parse(forged.text).peer.rejectedCertificate).toMatch(/\w/);
  });
});

describe("streams", () => {
  let server: RunningServer;
  afterEach(() => server.close());

  /** Counts 0, 1, 2 … until the caller goes; `sent` is how far it came. */
  const counting = (size: number) => {
    const state = { sent: 0, ended: Promise.withResolvers<void>() };
    const handle: Handler = async ({ signal }) => ({
      status: 200,
      headers,
      body: (async function* () {
        try {
          while (!signal.aborted) {
            yield new Uint8Array(size).fill(65);
            state.sent += 1;
            await new Promise((resolve) => setImmediate(resolve));
          }
        } finally {
          state.ended.resolve();
        }
      })(),
    });
    return { state, handle };
  };

  it("waits for a slow reader, and ends when it goes away", async () => {
    const { state, handle } = counting(100_000);
    server = await startServer({ ...common, handler: handle });
    const request = httpsRequest({ ...options(server.port), path: "/" });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.pause();
    let before = -1;
    while (before !== state.sent) {
      before = state.sent;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((next) => setImmediate(next));
    }
    expect(state.sent).toBeLessThan(200);
    request.destroy();
    await state.ended.promise;
  });

  it("ends over h2 when the client cancels, and aborts nothing that was answered", async () => {
    const { state, handle } = counting(10);
    const signals: AbortSignal[] = [];
    server = await startServer({
      ...common,
      handler: async (request) => {
        signals.push(request.signal);
        if (request.path === "/watch") return handle(request);
        return { status: 200, headers, body: bytes("ok") };
      },
    });
    const session = h2connect(`https://127.0.0.1:${server.port}`, { ca: authority.certificate });
    const one = session.request({ ":path": "/one" });
    for await (const _ of one) continue;
    const watch = session.request({ ":path": "/watch" });
    await once(watch, "data");
    watch.close();
    await state.ended.promise;
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
    session.close();
  });

  it("sends the head before the first piece", async () => {
    const first = Promise.withResolvers<Uint8Array>();
    server = await startServer({
      ...common,
      handler: async () => ({
        status: 200,
        headers,
        body: (async function* () {
          yield await first.promise;
        })(),
      }),
    });
    const request = httpsRequest({ ...options(server.port), path: "/" });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    first.resolve(bytes("late"));
    let text = "";
    for await (const piece of response.setEncoding("utf8")) text += piece;
    expect(text).toBe("late");
  });

  it("breaks the connection when a stream fails half-way", async () => {
    server = await startServer({
      ...common,
      handler: async () => ({
        status: 200,
        headers,
        body: (async function* () {
          yield bytes("half");
          throw new Error("lost");
        })(),
      }),
    });
    await expect(ask(server.port, { path: "/" })).rejects.toThrow();
  });

  it("closes: streams end, running requests finish, sockets go", async () => {
    const { state, handle } = counting(10);
    const slow = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    server = await startServer({
      ...common,
      handler: async (request) => {
        if (request.path !== "/slow") return handle(request);
        entered.resolve();
        await slow.promise;
        return { status: 200, headers, body: bytes("done") };
      },
    });
    const agent = new Agent({ keepAlive: true });
    const watch = httpsRequest({ ...options(server.port), path: "/watch" });
    watch.end();
    const [watching] = (await once(watch, "response")) as [IncomingMessage];
    watching.resume();
    const running = ask(server.port, { path: "/slow", agent });
    await entered.promise;
    const closed = server.close();
    await state.ended.promise;
    slow.resolve();
    expect((await running).text).toBe("done");
    await closed;
    await expect(ask(server.port, { path: "/slow" })).rejects.toThrow();
    agent.destroy();
  });
});

describe("upgrades", () => {
  it("hands the connection over, and takes no notice of protocols it does not know", async () => {
    const server = await startServer({
      ...common,
      handler,
      upgrade: async ({ socket, path, head, peer }) => {
        const said = `${path} ${peer.address} ${Buffer.from(head).toString()}`;
        socket.end(`HTTP/1.1 101 \r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n${said}`);
      },
    });
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    const request = httpsRequest({ ...options(server.port), path: "/exec?x=1", headers });
    request.end();
    const [response, socket, head] = (await once(request, "upgrade")) as [
      IncomingMessage,
      NodeJS.ReadableStream,
      Buffer,
    ];
    let text = head.toString();
    for await (const piece of socket.setEncoding("utf8")) text += piece;
    expect([response.statusCode, text]).toEqual([101, "/exec?x=1 127.0.0.1 "]);
    await server.close();
  });

  it("serves plain HTTP, and a request for h2c as http/1.1", async () => {
    const { tls: _, ...plain } = common;
    const server = await startServer({ ...plain, handler, upgrade: () => Promise.reject() });
    const headers = { connection: "Upgrade, HTTP2-Settings", upgrade: "h2c" };
    const request = httpRequest({ host: "127.0.0.1", port: server.port, path: "/one", headers });
    request.end();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
    await once(response, "end");
    await server.close();
  });
});

it("shows a renewed certificate to new connections, and keeps the old one beside a wrong key", async () => {
  const server = await startServer({
    tls,
    address: "127.0.0.1",
    port: 0,
    handler,
    bodyBytesMax: 1_000,
  });
  const seen = (): Promise<string | undefined> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        { host: "127.0.0.1", port: server.port, ca: authority.certificate },
        () => {
          const { subject } = socket.getPeerCertificate();
          socket.destroy();
          resolve(String(subject.CN));
        },
      );
      socket.once("error", reject);
    });
  try {
    expect(await seen()).toBe("s");
    const fields = { names: ["127.0.0.1"], usages: ["server auth" as const], validForMs };
    const renewed = authority.issue({ subject: { commonName: "t" }, ...fields }, doors);
    const wrong = { ...renewed, key: certificate.key };
    expect(() => server.renewTls(wrong)).toThrow(/key/);
    expect(await seen()).toBe("s");
    server.renewTls({ ...tls, ...renewed });
    expect(await seen()).toBe("t");
  } finally {
    await server.close();
  }
});
