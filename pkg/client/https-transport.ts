/**
 * A Transport over the network: one HTTP/2 connection for everything where the server offers it by
 * ALPN (all watches of a program in one), otherwise HTTP/1.1 with connections kept alive. It never
 * looks into a body and never repeats a request, but for one that found its connection closed
 * before anything was sent.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.ts";
import type { Transport, WireRequest, WireResponse } from "../base/wire.ts";
import { identityHeaders, type ClusterAccess } from "./cluster-access.ts";
import { sendHttp1, type Http1Target } from "./http1-request.ts";
import { sendHttp2 } from "./http2-request.ts";
import { tlsOptions } from "./tls-options.ts";

const limits = {
  /**
   * As Go's limit of a TLS handshake. TCP asks after 1, 3, 7, 15 and 31 s: who begins anew by now
   * is not late when the route is back.
   */
  connectMs: 10_000,
  /** A connection that has been silent for so long is asked whether it lives. */
  pingEveryMs: 30_000,
  pingAnswerMs: 15_000,
  keepAliveSockets: 64,
  /** Requests at once on one connection, where the server takes more. */
  streams: 1_000,
  connectTries: 3,
} as const;

export interface HttpsTransport {
  readonly send: Transport;
  /** Closes the connections, also those that are being made; requests under way fail. */
  close(): void;
}

/** A transport whose credential changes while it is in use. */
export interface RenewableTransport extends HttpsTransport {
  /**
   * From now on requests take new connections, and with them the credential as it is now. What the
   * old ones carry goes on to its end.
   */
  renew(): void;
}

type Request = Omit<WireRequest, "peer">;

/** `httpsTransport(access, clock).send` is the Transport to `connect` with. */
export function httpsTransport(access: ClusterAccess, clock: Clock): RenewableTransport {
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
  return { send, renew: () => connections.renew(), close: () => connections.close() };
}

/** An HTTP/2 connection, and how many requests and watches it carries. */
interface Session {
  readonly connection: ClientHttp2Session;
  streams: number;
}

class Connections {
  readonly #access: ClusterAccess;
  readonly #base: URL;
  readonly #clock: Clock;
  /** For new requests. */
  readonly #sessions = new Set<Session>();
  /** Those that only end what they carry too. */
  readonly #open = new Set<ClientHttp2Session>();
  /** Set when the server speaks no HTTP/2. */
  #http1: Http1Target | undefined;
  #connecting: Promise<void> | undefined;
  readonly #closing = new AbortController();
  /** Counts renewals: a connection that was begun before the last one is not used. */
  #generation = 0;

  constructor(access: ClusterAccess, base: URL, clock: Clock) {
    this.#access = access;
    this.#base = base;
    this.#clock = clock;
  }

  async send(request: Request): Promise<WireResponse> {
    for (let tries = 0; tries < limits.connectTries; tries += 1) {
      if (this.#closing.signal.aborted) throw new Error("the transport is closed");
      if (this.#http1 !== undefined) return sendHttp1(this.#http1, request);
      const session = [...this.#sessions].find(hasRoom);
      if (session !== undefined) {
        session.streams += 1;
        const done = (): void => void (session.streams -= 1);
        return sendHttp2(session.connection, this.#base, request, done);
      }
      const connecting = (this.#connecting ??= this.#connect());
      await connecting.finally(() => {
        if (this.#connecting === connecting) this.#connecting = undefined;
      });
    }
    throw new Error(`the server closed ${limits.connectTries} new connections at once`);
  }

  renew(): void {
    this.#generation += 1;
    // Closed gracefully: streams end by themselves, and a watch has an end.
    for (const { connection } of this.#sessions) connection.close();
    this.#sessions.clear();
    if (this.#http1 !== undefined) retireAgent(this.#http1.agent);
    this.#http1 = undefined;
    this.#connecting = undefined;
  }

  close(): void {
    this.#closing.abort(new Error("the transport is closed"));
    for (const connection of this.#open) connection.destroy();
    this.#http1?.agent.destroy();
  }

  async #connect(): Promise<void> {
    if (this.#base.protocol === "http:") {
      this.#http1 = this.#plain();
      return;
    }
    const generation = this.#generation;
    const options = await tlsOptions(this.#access, this.#base);
    const offer = { ...options, ALPNProtocols: ["h2", "http/1.1"] };
    const socket = await openTls(offer, this.#clock, this.#closing.signal);
    if (socket.alpnProtocol === "h2") return this.#addSession(socket, generation);
    socket.destroy();
    if (generation === this.#generation) this.#http1 = this.#secure(options);
  }

  async #addSession(socket: TLSSocket, generation: number): Promise<void> {
    const connection = connectHttp2(this.#base.origin, { createConnection: () => socket });
    this.#open.add(connection);
    connection.once("close", () => this.#open.delete(connection));
    const session = { connection, streams: 0 };
    // What it still carries goes on to its end; new requests take another connection.
    const retire = (): void => void this.#sessions.delete(session);
    for (const end of ["error", "goaway", "close"] as const) connection.on(end, retire);
    keepAlive(connection, this.#clock);
    // How many requests it takes is the first thing that a server says: more would be refused.
    await new Promise<void>((resolve) => {
      connection.once("remoteSettings", () => resolve());
      connection.once("close", resolve);
    });
    if (this.#closing.signal.aborted) connection.destroy();
    if (generation !== this.#generation) connection.close();
    else if (isUsable(connection)) this.#sessions.add(session);
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

/** Its idle sockets end now, and its busy ones with their requests. */
function retireAgent(agent: HttpAgent | HttpsAgent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

const hasRoom = ({ connection, streams }: Session): boolean => {
  const most = connection.remoteSettings?.maxConcurrentStreams ?? limits.streams;
  return isUsable(connection) && streams < Math.min(most, limits.streams);
};

const isUsable = (session: ClientHttp2Session): boolean => !session.closed && !session.destroyed;

function openTls(
  options: ConnectionOptions,
  clock: Clock,
  closing: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    closing.throwIfAborted();
    const socket = connectTls(options);
    const stop = (): void => void socket.destroy(closing.reason as Error);
    closing.addEventListener("abort", stop, { once: true });
    const overdue = clock.after(limits.connectMs, () =>
      socket.destroy(new Error(`no connection within ${limits.connectMs} ms`)),
    );
    const settle = (error?: Error): void => {
      overdue[Symbol.dispose]();
      closing.removeEventListener("abort", stop);
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
