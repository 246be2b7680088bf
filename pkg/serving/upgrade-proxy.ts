/**
 * Repeats an upgrade at another server and joins the two connections: the protocol inside
 * (WebSocket or SPDY) is none of its business, and bytes cross once each way, held back by the
 * slower side.
 */
import { connect as connectTcp, isIP, type NetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Duplex } from "node:stream";
import type { UpgradeRequest } from "./server-contract.ts";

/** Opens a connection to the other server; rejects when it cannot be had. */
export type Dial = (signal: AbortSignal) => Promise<Duplex>;

export interface UpgradeTarget {
  readonly dial: Dial;
  /** Path and query at the other server. */
  readonly path: string;
  /** For the Host header. */
  readonly host: string;
  /** Sent beside the client's own headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the client told us about itself, and what belongs to one connection only. */
const ownHeaders = /^(host|authorization|content-length|transfer-encoding|impersonate-.*)$/;

/** Go's servers read each value of this header from a line of its own. */
const listHeaders = new Set(["x-stream-protocol-version"]);

/** The head of the repeated request. */
export function upgradeHead(
  { method, headers }: Pick<UpgradeRequest, "method" | "headers">,
  { path, host, headers: more = {} }: Omit<UpgradeTarget, "dial">,
): string {
  const kept = Object.entries(headers).flatMap(([name, value = ""]) => {
    if (ownHeaders.test(name)) return [];
    const values = listHeaders.has(name) ? value.split(",").map((one) => one.trim()) : [value];
    return values.map((one) => [name, one] as const);
  });
  const lines = [["host", host] as const, ...kept, ...Object.entries(more)];
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${text}\r\n`;
}

/**
 * Resolves when the joined connection has ended. Rejects only when the other server cannot be
 * reached: the client's connection is untouched then, and still waits for an answer.
 */
export async function proxyUpgrade(upgrade: UpgradeRequest, target: UpgradeTarget): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  upgrade.socket.once("close", onClose);
  const other = await target.dial(gone.signal);
  upgrade.socket.off("close", onClose);
  other.write(upgradeHead(upgrade, target));
  if (upgrade.head.length > 0) other.write(upgrade.head);
  await join(upgrade.socket, other);
}

/** Pumps both ways. The end of one side ends the other, after what was sent has been passed on. */
function join(client: Duplex, server: Duplex): Promise<void> {
  const pump = (from: Duplex, to: Duplex): Promise<void> =>
    new Promise((resolve) => {
      from.pipe(to);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        // Not its end, which pipe passes on: it broke.
        if (!from.readableEnded) to.destroy();
        resolve();
      });
    });
  return Promise.all([pump(client, server), pump(server, client)]).then(() => undefined);
}

/** Calls back when the connection is there; the signal gives it up. */
function opened<S extends Duplex>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const cancel = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", cancel, { once: true });
    socket.once(event, () => {
      signal.removeEventListener("abort", cancel);
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** A TCP connection { host, port } or a Unix one { path }. */
export const dialPlain =
  (to: NetConnectOpts): Dial =>
  async (signal) => {
    const socket = connectTcp({ ...to });
    socket.setNoDelay(true);
    return opened(socket, "connect", signal);
  };

export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  /** PEM; absent: any certificate of the other server is taken. */
  readonly authority?: string;
  /** Of our own, PEM. */
  readonly certificate?: string;
  readonly key?: string;
}

export const dialTls =
  ({ host, port, authority, certificate, key }: TlsTarget): Dial =>
  async (signal) => {
    const socket = connectTls({
      host,
      port,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(authority === undefined ? { rejectUnauthorized: false } : { ca: authority }),
      ...(certificate === undefined ? {} : { cert: certificate, key }),
      ALPNProtocols: ["http/1.1"],
    });
    socket.setNoDelay(true);
    return opened(socket, "secureConnect", signal);
  };
