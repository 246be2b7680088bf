/**
 * The way to one gRPC server: connects when a call needs it, again after a loss, and not too often.
 * A call waits while a connection is being made; where that fails, it fails.
 */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { GrpcError, statusCodes } from "./grpc-status.ts";
import type { Header } from "./hpack.ts";
import { GrpcSession } from "./session.ts";
import type { CallHandler, GrpcStream } from "./stream.ts";

const limits = {
  connectMs: 10_000,
  /** Between a failed attempt and the next; doubled each time up to the maximum. */
  retryMsMin: 50,
  retryMsMax: 1_000,
  /** A peer that vanished without a word is noticed: asked so often, while calls are open. */
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
} as const;

/** PEM. Absent authorities: those that Node trusts. */
export interface GrpcTls {
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
}

export interface ConnectionOptions {
  /** "http://127.0.0.1:2379", "https://etcd-0:2379", "unix:/run/etcd.sock". */
  readonly endpoint: string;
  readonly tls: GrpcTls;
  readonly clock: Clock;
  readonly messageBytesMax: number;
}

export interface Call {
  /** "/etcdserverpb.KV/Txn". */
  readonly path: string;
  /** Sent beside gRPC's own; always the same for a path. */
  readonly metadata?: readonly Header[];
  /** The server goes on with its answers until the call is cancelled (a watch). */
  readonly staysOpen?: boolean;
}

/** A call that can be ended before its answer. */
export interface OngoingCall {
  cancel(error: GrpcError): void;
}

interface WaitingCall {
  readonly call: Call;
  readonly message: Uint8Array;
  readonly handler: CallHandler;
}

const pem = (bytes: Uint8Array | undefined): Buffer | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes);

/** Calls back when data can be sent; a failure is told by the socket's "error" and "close". */
function openSocket(endpoint: string, tls: GrpcTls, onReady: () => void): Socket {
  if (endpoint.startsWith("unix:"))
    return connectTcp({ path: endpoint.replace(/^unix:(\/\/(?=\/))?/, "") }, onReady);
  const { protocol, hostname, port } = new URL(endpoint);
  const host = hostname.replace(/^\[|\]$/g, "");
  const address = { host, port: Number(port || (protocol === "https:" ? 443 : 80)) };
  const socket =
    protocol === "https:"
      ? connectTls(
          {
            ...address,
            // TLS has no server names that are addresses; the certificate is held against `host`.
            ...(isIP(host) === 0 ? { servername: host } : {}),
            ...Object.fromEntries(
              Object.entries({ ca: pem(tls.ca), cert: pem(tls.cert), key: pem(tls.key) }).filter(
                ([, value]) => value !== undefined,
              ),
            ),
            ALPNProtocols: ["h2"],
          },
          onReady,
        )
      : connectTcp(address, onReady);
  return socket.setNoDelay(true);
}

export class GrpcConnection {
  readonly #options: ConnectionOptions;
  /** Header lists by path and metadata: the session knows them by identity. */
  readonly #headers = new Map<string, readonly Header[]>();
  readonly #waiting = new Set<WaitingCall>();
  /** Those that had to wait, once they are on their way. */
  readonly #begun = new WeakMap<WaitingCall, GrpcStream>();
  /** The one for new calls. */
  #session: GrpcSession | undefined;
  /** Those whose server is leaving too, as long as they have calls; each with its keep-alive. */
  readonly #sessions = new Map<GrpcSession, Disposable>();
  #connecting: Socket | undefined;
  /** Why the last attempt failed, and when the next one may be. */
  #failed:
    | { readonly error: GrpcError; readonly until: number; readonly waitMs: number }
    | undefined;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The last attempt to connect failed, and none has succeeded since. */
  get isDown(): boolean {
    return this.#failed !== undefined;
  }

  /** A call of one message, be the answers one or many. */
  call(call: Call, message: Uint8Array, handler: CallHandler): OngoingCall {
    const session = this.#session;
    const waiting = { call, message, handler };
    if (session === undefined || session.isClosing) return this.#callLater(waiting);
    const stream = this.#open(session, waiting);
    return { cancel: (error) => stream.fail(error) };
  }

  close(): void {
    this.#isClosed = true;
    const error = new GrpcError(statusCodes.cancelled, "the connection was closed");
    this.#connecting?.destroy();
    for (const session of this.#sessions.keys()) session.destroy(error);
    this.#failWaiting(error);
  }

  #callLater(waiting: WaitingCall): OngoingCall {
    const { clock } = this.#options;
    const failed = this.#failed;
    if (this.#isClosed || (failed !== undefined && clock.monotonic() < failed.until)) {
      const reason = failed?.error.details ?? "the connection was closed";
      const error = new GrpcError(statusCodes.unavailable, reason, {
        cause: failed?.error,
        isUnprocessed: true,
      });
      queueMicrotask(() => waiting.handler.onEnd(error));
      return { cancel: () => undefined };
    }
    this.#waiting.add(waiting);
    if (this.#connecting === undefined) this.#connect();
    return { cancel: (error) => this.#cancel(waiting, error) };
  }

  #cancel(waiting: WaitingCall, error: GrpcError): void {
    if (this.#waiting.delete(waiting)) waiting.handler.onEnd(error.unprocessed());
    else this.#begun.get(waiting)?.fail(error);
  }

  #connect(): void {
    const { endpoint, tls, clock } = this.#options;
    let failure: unknown;
    const socket = openSocket(endpoint, tls, () => {
      alarm[Symbol.dispose]();
      socket.off("close", onClose);
      this.#begin(socket);
    });
    const alarm = clock.after(limits.connectMs, () => {
      socket.destroy(new Error(`no connection after ${limits.connectMs} ms`));
    });
    const onClose = (): void => {
      alarm[Symbol.dispose]();
      this.#connecting = undefined;
      const waitMs = Math.min(
        (this.#failed?.waitMs ?? limits.retryMsMin / 2) * 2,
        limits.retryMsMax,
      );
      const error = new GrpcError(statusCodes.unavailable, `no connection to ${endpoint}`, {
        cause: failure,
      });
      this.#failed = { error, waitMs, until: clock.monotonic() + waitMs };
      this.#failWaiting(error);
    };
    socket.on("error", (error) => (failure ??= error));
    socket.once("close", onClose);
    this.#connecting = socket;
  }

  #begin(socket: Socket): void {
    this.#connecting = undefined;
    this.#failed = undefined;
    const { messageBytesMax } = this.#options;
    const onClose = (): void => {
      this.#sessions.get(session)?.[Symbol.dispose]();
      this.#sessions.delete(session);
      if (this.#session === session) this.#session = undefined;
    };
    const session = new GrpcSession({ socket, messageBytesMax, onClose });
    this.#session = session;
    this.#keepAlive(session);
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      this.#begun.set(waiting, this.#open(session, waiting));
    }
  }

  #open(session: GrpcSession, { call, message, handler }: WaitingCall): GrpcStream {
    const stream = session.open(this.#headersOf(call), handler);
    stream.send(message, call.staysOpen !== true);
    return stream;
  }

  #failWaiting(error: GrpcError): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      waiting.handler.onEnd(error.unprocessed());
    }
  }

  #keepAlive(session: GrpcSession): void {
    this.#alarm(session, limits.keepaliveMs, () => {
      // A server may take pings without calls for an attack.
      if (session.callCount === 0) return this.#keepAlive(session);
      const error = new GrpcError(statusCodes.unavailable, "the server does not answer");
      this.#alarm(session, limits.keepaliveTimeoutMs, () => session.destroy(error));
      session.ping(() => this.#keepAlive(session));
    });
  }

  /** In place of the session's last one. */
  #alarm(session: GrpcSession, ms: number, ring: () => void): void {
    this.#sessions.get(session)?.[Symbol.dispose]();
    this.#sessions.set(session, this.#options.clock.after(ms, ring));
  }

  #headersOf({ path, metadata = [] }: Call): readonly Header[] {
    const known = this.#headers.get(path);
    if (known !== undefined) return known;
    const { endpoint } = this.#options;
    const isUnix = endpoint.startsWith("unix:");
    const headers: readonly Header[] = [
      [":method", "POST"],
      [":scheme", endpoint.startsWith("https:") ? "https" : "http"],
      [":path", path],
      [":authority", isUnix ? "localhost" : new URL(endpoint).host],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ...metadata,
    ];
    this.#headers.set(path, headers);
    return headers;
  }
}
