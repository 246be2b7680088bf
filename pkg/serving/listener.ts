import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createSecureServer, type Http2SecureServer, type Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { ServerTls } from "./server-contract.ts";

/** A listening socket that speaks HTTP, and the connections that it has. */
export interface Listener {
  readonly server: Server | Http2SecureServer;
  readonly sockets: ReadonlySet<Socket>;
  readonly sessions: ReadonlySet<Http2Session>;
}

export const connectionLimits = {
  /** client-go keeps an idle connection for 90 s: the server must never be the first to let go. */
  idleMs: 120_000,
  /** Streams of one h2 connection at a time; client-go opens another connection beyond them. */
  streams: 250,
  /** Of one stream's upload; the protocol's own 64 KiB would stop bodies at every round trip. */
  windowBytes: 256 * 1024,
  /** Node counts queued answers of an h2 connection too: a LIST is tens of megabytes. */
  sessionMiB: 256,
  headerBytes: 64 * 1024,
} as const;

/** Protocols that a connection may be taken over for; any other Upgrade header is ignored. */
const takesOver = (request: IncomingMessage): boolean =>
  /^(websocket|spdy\/3\.1)$/i.test(request.headers.upgrade ?? "");

/** h2 and http/1.1 by ALPN with TLS, http/1.1 without. Nothing listens yet. */
export function createListener(tls: ServerTls | undefined, listener: RequestListener): Listener {
  const server = tls === undefined ? plainServer(listener) : secureServer(tls, listener);
  const sockets = new Set<Socket>();
  const sessions = new Set<Http2Session>();
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    // Nagle's algorithm would hold a watch event back until the client acknowledges the last one.
    socket.setNoDelay(true);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session: Http2Session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // A client's broken frames end its own session only.
    session.on("error", () => session.destroy());
  });
  return { server, sockets, sessions };
}

function plainServer(listener: RequestListener): Server {
  return createServer(
    {
      keepAliveTimeout: connectionLimits.idleMs,
      maxHeaderSize: connectionLimits.headerBytes,
      shouldUpgradeCallback: takesOver,
    },
    listener,
  );
}

const secureContext = (tls: ServerTls) => ({
  cert: tls.certificate,
  key: tls.key,
  minVersion: "TLSv1.2" as const,
  ...(tls.clientAuthorities === undefined ? {} : { ca: tls.clientAuthorities }),
});

/** As RunningServer says. */
export function renewTls(server: Listener["server"], tls: ServerTls): void {
  if (!("setSecureContext" in server)) throw new Error("the server speaks no TLS");
  server.setSecureContext(secureContext(tls));
}

function secureServer(tls: ServerTls, listener: RequestListener): Http2SecureServer {
  const server = createSecureServer({
    allowHTTP1: true,
    ...secureContext(tls),
    // A certificate is optional, and a wrong one is answered with 401: a failed handshake says
    // nothing.
    ...(tls.clientAuthorities === undefined
      ? {}
      : { requestCert: true, rejectUnauthorized: false }),
    settings: {
      maxConcurrentStreams: connectionLimits.streams,
      initialWindowSize: connectionLimits.windowBytes,
      maxHeaderListSize: connectionLimits.headerBytes,
    },
    maxSessionMemory: connectionLimits.sessionMiB,
  });
  // Compat requests of h2 have the shape of http/1.1's, as far as this room reads them.
  server.on("request", listener as unknown as (...args: unknown[]) => void);
  Object.assign(server, { keepAliveTimeout: connectionLimits.idleMs });
  return server;
}
