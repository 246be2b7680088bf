/**
 * A Transport over the network: one HTTP/2 connection for everything where the server offers it by
 * ALPN (all watches of a program in one), otherwise HTTP/1.1 with connections kept alive. It never
 * looks into a body and never repeats a request, but for one that found its connection closed
 * before anything was sent.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.ts";
import type { Transport, WireRequest, WireResponse } from "../base/wire.ts";
import { identityHeaders, type ClusterAccess } from "./cluster-access.ts";
import { sendHttp1, type Http1Target } from "./http1-request.ts";
import { sendHttp2 } from "./http2-request.ts";

const limits = {
  connectMs: 30_000,
  /** A connection that has been silent for so long is asked whether it lives. */
  pingEveryMs: 30_000,
  pingAnswerMs: 15_000,
  keepAliveSockets: 64,
} as const;

export interface HttpsTransport {
  readonly send: Transport;
  /** Closes the connections; requests under way fail. */
  close(): void;
}

type Request = Omit<WireRequest, "peer">;

/** `httpsTransport(access, clock).send` is the Transport to `connect` with. */
export function httpsTransport(access: ClusterAccess, clock: Clock): HttpsTransport {
  const base = new URL(access.server);
  const basePath = base.pathname === "/" ? "" : base.pathname.replace(/\/$/, "");
  const connections = new Connections(access, base, clock);
  const send = async (request: Request): Promise<WireResponse> => {
    request.signal.throwIfAborted();
    const headers = { ...request.headers, ...(await identityHeaders(access)) };
    const full = { ...request, path: basePath + request.path, headers };
    try {
      return await connections.send(full);
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      throw new Error(`${request.method} ${base.origin}${full.path}`, { cause });
    }
  };
  return { send, close: () => connections.close() };
}

type Way =
  | { readonly by: "h2"; readonly session: ClientHttp2Session }
  | { readonly by: "http1"; readonly target: Http1Target };

class Connections {
  readonly #access: ClusterAccess;
  readonly #base: URL;
  readonly #clock: Clock;
  #way: Promise<Way> | undefined;
  #isClosed = false;

  constructor(access: ClusterAccess, base: URL, clock: Clock) {
    this.#access = access;
    this.#base = base;
    this.#clock = clock;
  }

  async send(request: Request): Promise<WireResponse> {
    if (this.#isClosed) throw new Error("the transport is closed");
    const way = await this.#open();
    if (way.by === "http1") return sendHttp1(way.target, request);
    if (!isUsable(way.session)) {
      this.#forget(way);
      return this.send(request);
    }
    return sendHttp2(way.session, this.#base, request);
  }

  close(): void {
    this.#isClosed = true;
    void this.#way?.then(
      (way) => (way.by === "h2" ? way.session.destroy() : way.target.agent.destroy()),
      () => undefined,
    );
  }

  #open(): Promise<Way> {
    this.#way ??= this.#connect().catch((error: unknown) => {
      this.#way = undefined;
      throw error;
    });
    return this.#way;
  }

  #forget(gone: Way): void {
    const current = this.#way;
    void current?.then((way) => {
      if (way === gone && this.#way === current) this.#way = undefined;
    });
    this.#way = undefined;
  }

  async #connect(): Promise<Way> {
    if (this.#base.protocol === "http:") return { by: "http1", target: this.#plain() };
    const options = await tlsOptions(this.#access, this.#base);
    const socket = await openTls({ ...options, ALPNProtocols: ["h2", "http/1.1"] }, this.#clock);
    if (socket.alpnProtocol === "h2") return this.#http2(socket);
    socket.destroy();
    return { by: "http1", target: this.#secure(options) };
  }

  #http2(socket: TLSSocket): Way {
    const session = connectHttp2(this.#base.origin, { createConnection: () => socket });
    const way: Way = { by: "h2", session };
    session.on("error", () => this.#forget(way));
    session.on("goaway", () => this.#forget(way));
    session.on("close", () => this.#forget(way));
    keepAlive(session, this.#clock);
    return way;
  }

  #plain(): Http1Target {
    const agent = new HttpAgent({ keepAlive: true, maxFreeSockets: limits.keepAliveSockets });
    return { base: this.#base, agent, start: (options) => httpRequest(options) };
  }

  #secure(options: ConnectionOptions): Http1Target {
    const agent = new HttpsAgent({
      ...options,
      keepAlive: true,
      maxFreeSockets: limits.keepAliveSockets,
    });
    return { base: this.#base, agent, start: (given) => httpsRequest(given) };
  }
}

const isUsable = (session: ClientHttp2Session): boolean => !session.closed && !session.destroyed;

/** What `tls.connect` needs to reach the server; also for upgraded connections (exec). */
export async function tlsOptions(access: ClusterAccess, base: URL): Promise<ConnectionOptions> {
  const host = base.hostname.replace(/^\[|\]$/g, "");
  const own = await access.clientCertificate?.();
  const authority = await access.certificateAuthority?.();
  const name = access.tlsServerName ?? (isIP(host) === 0 ? host : undefined);
  return {
    host,
    port: base.port === "" ? 443 : Number(base.port),
    ...(name === undefined ? {} : { servername: name }),
    ...(authority === undefined ? {} : { ca: authority }),
    ...(own === undefined ? {} : { cert: own.certificate, key: own.key }),
    ...(access.insecureSkipTlsVerify === true ? { rejectUnauthorized: false } : {}),
  };
}

function openTls(options: ConnectionOptions, clock: Clock): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls(options);
    const overdue = clock.after(limits.connectMs, () =>
      socket.destroy(new Error(`no connection within ${limits.connectMs} ms`)),
    );
    const settle = (error?: Error): void => {
      overdue[Symbol.dispose]();
      socket.off("error", settle);
      if (error !== undefined) return reject(error);
      socket.setNoDelay(true);
      resolve(socket);
    };
    socket.once("secureConnect", () => settle());
    socket.once("error", settle);
  });
}

/** Ends the session when a ping is not answered: its other end is gone without a word. */
function keepAlive(session: ClientHttp2Session, clock: Clock): void {
  let timer = clock.after(limits.pingEveryMs, ping);
  session.on("close", () => timer[Symbol.dispose]());
  function ping(): void {
    if (!isUsable(session)) return;
    timer = clock.after(limits.pingAnswerMs, () => session.destroy());
    session.ping(() => {
      timer[Symbol.dispose]();
      if (isUsable(session)) timer = clock.after(limits.pingEveryMs, ping);
    });
  }
}
