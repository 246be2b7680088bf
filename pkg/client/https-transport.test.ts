import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { namespaces, pods } from "../../api/resources.ts";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { isStream, type Handler, type WireRequest, type WireResponse } from "../base/wire.ts";
import { createAuthority } from "../pki/authority.ts";
import { startServer } from "../serving/server.ts";
import type { RunningServer } from "../serving/server-contract.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { connect } from "./connect.ts";
import { httpsTransport, type RenewableTransport } from "./https-transport.ts";
import { chooseContext, parseKubeconfig } from "./kubeconfig.ts";

const doors = { clock: systemClock, random: systemRandom };
const validForMs = 3_600_000;
const authority = createAuthority({ commonName: "ca", validForMs }, doors);
const certificate = authority.issue(
  { subject: { commonName: "s" }, names: ["127.0.0.1"], usages: ["server auth"], validForMs },
  doors,
);
const jane = authority.issue(
  {
    subject: { commonName: "jane", organizations: ["devs"] },
    usages: ["client auth"],
    validForMs,
  },
  doors,
);
const { signal } = new AbortController();
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const headers = { "content-type": "application/json" };

const running: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]();
});
const endsWithTest = (end: () => void | Promise<void>): void =>
  void running.push({ [Symbol.asyncDispose]: async () => end() });

async function serve(handler: Handler, port = 0): Promise<RunningServer> {
  const server = await startServer({
    tls: { ...certificate, clientAuthorities: authority.certificate },
    address: "127.0.0.1",
    port,
    handler,
    bodyBytesMax: 1_000_000,
  });
  endsWithTest(() => server.close());
  return server;
}

const accessTo = (port: number, more: Partial<ClusterAccess> = {}): ClusterAccess => ({
  server: `https://127.0.0.1:${port}`,
  certificateAuthority: () => Promise.resolve(authority.certificate),
  clientCertificate: () => Promise.resolve(jane),
  ...more,
});

function transportTo(access: ClusterAccess): RenewableTransport {
  const transport = httpsTransport(access, systemClock);
  endsWithTest(() => transport.close());
  return transport;
}

const clientOf = (access: ClusterAccess) =>
  connect(transportTo(access).send, { clock: systemClock });

type Answer = (stream: ServerHttp2Stream, path: string) => void;

async function http2Server(answer: Answer, maxConcurrentStreams = 100): Promise<number> {
  const settings = { maxConcurrentStreams };
  const { certificate: cert, key } = certificate;
  const server = createSecureServer({ cert, key, settings });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, head) => answer(stream as ServerHttp2Stream, head[":path"] ?? ""));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endsWithTest(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Says who asked, and what. */
const echo =
  (seen: WireRequest[] = []): Handler =>
  async (request) => {
    seen.push(request);
    const name = request.peer.certificate?.commonName ?? "nobody";
    return { status: 200, headers, body: json({ metadata: { name } }) };
  };

describe("over HTTP/2", () => {
  it("shows its certificate and its token, and sends a body", async () => {
    const seen: WireRequest[] = [];
    const server = await serve(echo(seen));
    const token = () => Promise.resolve("secret");
    const client = clientOf(accessTo(server.port, { token }));
    const made = await client.resource(namespaces).create({ metadata: { name: "x" } });
    expect(made.metadata?.name).toBe("jane");
    expect(seen[0]?.headers["authorization"]).toBe("Bearer secret");
    expect(new TextDecoder().decode(seen[0]?.body)).toContain('"kind":"Namespace"');
  });

  it("shows another credential after it was renewed, and ends nothing that goes on", async () => {
    let end = (): void => {};
    const port = await serve(async (request) => {
      const name = request.peer.certificate?.commonName ?? "nobody";
      if (!request.path.includes("watch")) return { status: 200, headers, body: json({ name }) };
      const body = (async function* (): AsyncGenerator<Uint8Array> {
        yield json({ name });
        await new Promise<void>((resolve) => (end = resolve));
        yield json({ name: "the end" });
      })();
      return { status: 200, headers, body };
    }).then((server) => server.port);
    let pair = jane;
    const clientCertificate = () => Promise.resolve(pair);
    const transport = httpsTransport(accessTo(port, { clientCertificate }), systemClock);
    endsWithTest(() => transport.close());
    const ask = (path: string) =>
      transport.send({ method: "GET", path, headers: {}, body: new Uint8Array(), signal });
    const text = async ({ body }: WireResponse): Promise<string> =>
      Buffer.concat(await Array.fromAsync(isStream(body) ? body : [body].flat())).toString();
    const watch = await ask("/watch");
    expect(await text(await ask("/"))).toBe('{"name":"jane"}');
    pair = authority.issue(
      { subject: { commonName: "john" }, usages: ["client auth"], validForMs },
      doors,
    );
    expect(await text(await ask("/"))).toBe('{"name":"jane"}');
    transport.renew();
    expect(await text(await ask("/"))).toBe('{"name":"john"}');
    end();
    expect(await text(watch)).toBe('{"name":"jane"}{"name":"the end"}');
  });

  it("ends with it what goes on over connections that are no longer used", async () => {
    const port = await http2Server((stream) => {
      stream.respond({ ":status": 200 });
      stream.write("begun");
    });
    const transport = transportTo(accessTo(port));
    const request = { method: "GET", path: "/watch", headers: {}, body: new Uint8Array(), signal };
    const { body } = await transport.send(request);
    transport.renew();
    const ended = Array.fromAsync(isStream(body) ? body : [body].flat()).then(
      () => "ended",
      () => "ended",
    );
    transport.close();
    expect(await ended).toBe("ended");
  });

  it("sends the body of a DELETE, which asks how to delete", async () => {
    const seen: WireRequest[] = [];
    const server = await serve(echo(seen));
    const api = clientOf(accessTo(server.port)).resource(namespaces);
    await api.delete({ name: "x" }, { propagationPolicy: "Orphan" });
    expect(new TextDecoder().decode(seen[0]?.body)).toContain('"propagationPolicy":"Orphan"');
  });

  it("carries watch and requests on one connection, and cancels the watch", async () => {
    const sessions = new Set<unknown>();
    let isCancelled = false;
    const port = await http2Server((stream, path) => {
      sessions.add(stream.session);
      stream.respond({ ":status": 200 });
      if (!path.includes("watch=true")) return stream.end("{}");
      stream.on("aborted", () => (isCancelled = true));
      stream.write(`${JSON.stringify({ type: "ADDED", object: { metadata: { name: "one" } } })}\n`);
    });
    const client = clientOf(accessTo(port));
    const stop = new AbortController();
    const names: unknown[] = [];
    const watching = (async () => {
      const events = client.resource(pods).watch({ resourceVersion: "1" }, stop.signal);
      for await (const event of events) {
        if (event.type !== "BOOKMARK") names.push(event.object.metadata?.name);
        await client.resource(namespaces).get({ name: "x" });
        stop.abort(new Error("seen enough"));
      }
    })();
    await expect(watching).rejects.toThrow("seen enough");
    expect(names).toEqual(["one"]);
    await expect.poll(() => isCancelled).toBe(true);
    expect(sessions.size).toBe(1);
  });

  it("opens another connection when the first carries all that the server takes", async () => {
    const sessions = new Set<unknown>();
    const port = await http2Server((stream, path) => {
      sessions.add(stream.session);
      stream.respond({ ":status": 200 });
      if (path.includes("watch=true")) stream.write("\n");
      else stream.end("{}");
    }, 10);
    const client = clientOf(accessTo(port));
    await client.raw("GET", "/first");
    const stop = new AbortController();
    const watches = Array.from({ length: 25 }, async () => {
      const events = client.resource(pods).watch({ resourceVersion: "1" }, stop.signal);
      for await (const _event of events);
    });
    const ended = Promise.allSettled(watches);
    await client.raw("GET", "/last");
    expect(sessions.size).toBe(3);
    stop.abort(new Error("seen enough"));
    await ended;
    await expect.poll(() => client.raw("GET", "/again").then(() => sessions.size)).toBe(3);
  });

  it("connects again after the server was gone", async () => {
    const first = await serve(echo());
    const client = clientOf(accessTo(first.port));
    await client.raw("GET", "/healthz");
    await first.close();
    await expect(client.raw("GET", "/healthz")).rejects.toThrow(/GET https:\/\/127\.0\.0\.1/);
    await serve(echo(), first.port);
    await expect
      .poll(() =>
        client.raw("GET", "/healthz").then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  it("refuses a server that its authority did not sign", async () => {
    const server = await serve(echo());
    const stranger = createAuthority({ commonName: "other", validForMs }, doors);
    const access = accessTo(server.port, {
      certificateAuthority: () => Promise.resolve(stranger.certificate),
    });
    const error: unknown = await clientOf(access)
      .raw("GET", "/")
      .catch((one: unknown) => one);
    expect(String((error as Error).cause)).toMatch(/certificate/);
    const careless = { ...access, insecureSkipTlsVerify: true };
    expect(await clientOf(careless).raw("GET", "/")).toBeInstanceOf(Uint8Array);
  });
});

describe("over HTTP/1.1", () => {
  async function plainServer(listener: Parameters<typeof createServer>[1]): Promise<number> {
    const server: Server = createServer(
      { cert: certificate.certificate, key: certificate.key },
      listener,
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    endsWithTest(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  it("keeps one connection for requests one after another", async () => {
    const sockets = new Set<unknown>();
    const port = await plainServer((request, response) => {
      sockets.add(request.socket);
      response.end("{}");
    });
    const client = clientOf(accessTo(port));
    for (let count = 0; count < 3; count += 1) await client.raw("GET", "/version");
    expect(sockets.size).toBe(1);
  });

  it("streams, and ends a stream by its signal", async () => {
    const port = await plainServer((_request, response) => {
      response.write(`${JSON.stringify({ type: "BOOKMARK", object: { metadata: {} } })}\n`);
    });
    const client = clientOf(accessTo(port));
    const stop = new AbortController();
    const watching = (async () => {
      for await (const _event of client.resource(pods).watch({ resourceVersion: "1" }, stop.signal))
        stop.abort(new Error("seen enough"));
    })();
    await expect(watching).rejects.toThrow("seen enough");
  });
});

describe("a kubeconfig", () => {
  it("leads to the server, with files relative to its own folder", async () => {
    const server = await serve(echo());
    const folder = await mkdtemp(join(tmpdir(), "tskube-kubeconfig-"));
    endsWithTest(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "ca.crt"), authority.certificate);
    await writeFile(join(folder, "token"), "from-a-file\n");
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const text = `
current-context: here
clusters:
- name: c
  cluster: { server: "https://127.0.0.1:${server.port}", certificate-authority: ca.crt }
users:
- name: jane
  user:
    client-certificate-data: ${base64(jane.certificate)}
    client-key-data: ${base64(jane.key)}
    tokenFile: token
contexts:
- name: here
  context: { cluster: c, user: jane, namespace: team }
`;
    const config = await parseKubeconfig(text, join(folder, "config"));
    const { namespace, access } = chooseContext(config, systemClock);
    expect(namespace).toBe("team");
    expect(await access.token?.()).toBe("from-a-file");
    const { metadata } = await clientOf(access).resource(namespaces).get({ name: "x" });
    expect(metadata?.name).toBe("jane");
  });
});
