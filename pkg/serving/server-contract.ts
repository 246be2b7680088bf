/** An HTTPS server (fastify; h2 and http/1.1 by ALPN) around one Handler. */
import type { Duplex } from "node:stream";
import type { Handler, Peer } from "../base/wire.ts";
import type { Logger } from "../telemetry/logger.ts";

export interface UpgradeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly peer: Peer;
  readonly socket: Duplex;
  /** Bytes that arrived behind the request's head. */
  readonly head: Uint8Array;
}

/** Takes the connection over (exec, attach, port-forward); answers refusals itself. */
export type UpgradeHandler = (request: UpgradeRequest) => Promise<void>;

export interface ServerTls {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM; client certificates are asked for, and verified against these. */
  readonly clientAuthorities?: string;
}

export interface ServerOptions {
  /** Absent: plain HTTP (loopback health ports, tests). */
  readonly tls?: ServerTls;
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly handler: Handler;
  readonly upgrade?: UpgradeHandler;
  /** Requests with larger bodies get 413. */
  readonly bodyBytesMax: number;
  /** Hears of handlers that throw; a handler that answers its own errors is never heard of. */
  readonly logger?: Logger;
}

export interface RunningServer {
  readonly address: string;
  readonly port: number;
  /**
   * New connections see this certificate, and are held against these authorities. Throws where the
   * key is not the certificate's, or there was no TLS before; then all is as it was.
   */
  renewTls(tls: ServerTls): void;
  /** Lets running requests end, then closes; long-lived streams are ended at once. */
  close(): Promise<void>;
}
