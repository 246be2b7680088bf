import { EventEmitter, once } from "node:events";
import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { startServer } from "./server.ts";
import type { UpgradeHandler } from "./server-contract.ts";
import { dialPlain, proxyUpgrade, upgradeHead, type Dial } from "./upgrade-proxy.ts";

it("repeats the client's headers, but not who it is", () => {
  const headers = {
    host: "api",
    authorization: "Bearer secret",
    "impersonate-user": "root",
    "impersonate-group": "masters",
    connection: "Upgrade",
    upgrade: "SPDY/3.1",
    "x-stream-protocol-version": "v4.channel.k8s.io, v3.channel.k8s.io",
  };
  const to = { path: "/exec/a/b/c?tty=1", host: "10.0.0.1:10250", headers: { "x-own": "1" } };
  expect(upgradeHead({ method: "POST", headers }, to)).toBe(
    "POST /exec/a/b/c?tty=1 HTTP/1.1\r\n" +
      "host: 10.0.0.1:10250\r\n" +
      "connection: Upgrade\r\n" +
      "upgrade: SPDY/3.1\r\n" +
      "x-stream-protocol-version: v4.channel.k8s.io\r\n" +
      "x-stream-protocol-version: v3.channel.k8s.io\r\n" +
      "x-own: 1\r\n\r\n",
  );
});

describe("proxyUpgrade", () => {
  const open: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });
  const listening = async (server: Server, at: number | string = 0): Promise<Server> => {
    server.listen(at);
    await once(server, "listening");
    open.push(server);
    return server;
  };
  /** A client's connection whose upgrade goes to whatever `dial` opens. */
  const through = async (
    dial: Dial,
    onError?: (error: unknown) => void,
    onUpgrade?: (socket: Duplex) => void,
  ): Promise<Socket> => {
    const upgrade: UpgradeHandler = async (request) => {
      onUpgrade?.(request.socket);
      await proxyUpgrade(request, { dial, path: "/", host: "x" }).catch((error: unknown) => {
        onError?.(error);
        request.socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
      });
    };
    const handler = () => Promise.reject(new Error("no plain requests here"));
    const server = await startServer({
      address: "127.0.0.1",
      port: 0,
      bodyBytesMax: 10,
      handler,
      upgrade,
    });
    open.push(server);
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    return socket;
  };
  const portOf = (server: Server): number => (server.address() as AddressInfo).port;

  it("passes what was sent last on before it ends, over a Unix socket", async () => {
    const folder = await mkdtemp(join(tmpdir(), "proxy-"));
    open.push({ close: () => rm(folder, { recursive: true }) });
    const path = join(folder, "s");
    await listening(
      createServer((socket) => socket.once("data", () => socket.end("x".repeat(1_000_000)))),
      path,
    );
    const socket = await through(dialPlain({ path }));
    let read = 0;
    for await (const data of socket as AsyncIterable<Buffer>) read += data.length;
    expect(read).toBe(1_000_000);
  });

  it("breaks the other side when one breaks", async () => {
    const accepted = Promise.withResolvers<Socket>();
    const target = await listening(createServer((socket) => accepted.resolve(socket)));
    const socket = await through(dialPlain({ host: "127.0.0.1", port: portOf(target) }));
    const other = await accepted.promise;
    other.resume();
    const closed = once(other, "close");
    socket.resetAndDestroy();
    await closed;
  });

  it("stays below the listeners that Node takes for a leak", async () => {
    const accepted = Promise.withResolvers<Duplex>();
    const target = await listening(createServer((socket) => socket.pipe(socket)));
    const dial = dialPlain({ host: "127.0.0.1", port: portOf(target) });
    const socket = await through(dial, undefined, accepted.resolve);
    await once(socket, "data");
    const inTheMiddle = await accepted.promise;
    expect(inTheMiddle.listenerCount("close")).toBeLessThan(EventEmitter.defaultMaxListeners);
    socket.destroy();
  });

  it("holds a fast sender back for a slow reader", async () => {
    let written = 0;
    const target = await listening(
      createServer((socket) => {
        const piece = Buffer.alloc(65_536);
        const more = (): void => {
          written += piece.length;
          if (written < 256 * 1024 * 1024 && socket.write(piece)) setImmediate(more);
        };
        socket.on("drain", more);
        socket.on("error", () => {});
        more();
      }),
    );
    const socket = await through(dialPlain({ host: "127.0.0.1", port: portOf(target) }));
    socket.pause();
    let before = -1;
    while (before !== written) {
      before = written;
      for (let turn = 0; turn < 500; turn += 1) await new Promise((next) => setImmediate(next));
    }
    expect(written).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });

  it("rejects where nobody listens, while the client can still be answered", async () => {
    const failed = Promise.withResolvers<unknown>();
    const socket = await through(dialPlain({ host: "127.0.0.1", port: 1 }), failed.resolve);
    expect(String(await failed.promise)).toContain("ECONNREFUSED");
    const [data] = (await once(socket, "data")) as [Buffer];
    expect(data.toString()).toContain("502");
  });
});
