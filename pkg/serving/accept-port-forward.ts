import { createWebSocketStream } from "ws";
import { badRequest } from "../machinery/status.ts";
import { switchToSpdy } from "./accept-spdy-streams.ts";
import { switchToWebSocket } from "./accept-websocket-streams.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import { SpdyConnection, type SpdyStream } from "../streams/spdy-connection.ts";
import type { ForwardedConnection, PortForwards } from "./streams-contract.ts";

const version = "portforward.k8s.io";
/** kubectl from 1.31 on: the same SPDY connection, in the messages of a WebSocket. */
const tunnel = `SPDY/3.1+${version}`;

/**
 * Takes a connection over for port-forward. Where that fails the client has had its answer, and the
 * promise rejects with the reason.
 */
export async function acceptPortForward(upgrade: UpgradeRequest): Promise<PortForwards> {
  const protocol = (upgrade.headers["upgrade"] ?? "").toLowerCase();
  if (protocol === "websocket") {
    const { socket } = await switchToWebSocket(upgrade, [tunnel]);
    return forwardsOf(createWebSocketStream(socket), new Uint8Array(0));
  }
  if (protocol === "spdy/3.1") {
    const refusal = switchToSpdy(upgrade, version);
    if (refusal !== undefined) throw refusal;
    return forwardsOf(upgrade.socket, upgrade.head);
  }
  const error = badRequest(`unable to upgrade: expected WebSocket or SPDY/3.1, got "${protocol}"`);
  refuseUpgrade(upgrade, error);
  throw error;
}

function forwardsOf(socket: UpgradeRequest["socket"], head: Uint8Array): PortForwards {
  const pairs = new StreamPairs();
  const connection = new SpdyConnection(socket, (stream) => pairs.take(stream));
  void connection.serve(head).finally(() => pairs.end());
  return { connections: pairs, closed: connection.closed, close: () => connection.end() };
}

/** Connections come as two streams each, which carry the same request id: data and error. */
class StreamPairs implements AsyncIterable<ForwardedConnection> {
  readonly #halves = new Map<string, Partial<Record<string, SpdyStream>>>();
  readonly #ready: ForwardedConnection[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  take(stream: SpdyStream): void {
    const { streamtype = "", requestid = "" } = stream.headers;
    const port = Number(stream.headers["port"]);
    const isPort = Number.isInteger(port) && port > 0 && port < 65_536;
    const half = this.#halves.get(requestid) ?? {};
    const isNew = half[streamtype] === undefined;
    if (!isPort || !isNew || (streamtype !== "data" && streamtype !== "error")) {
      return stream.reset();
    }
    half[streamtype] = stream;
    this.#halves.set(requestid, half);
    const { data, error } = half;
    if (data === undefined || error === undefined) return;
    this.#halves.delete(requestid);
    this.#ready.push(forwarded(port, data, error));
    this.#wake?.();
  }
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<ForwardedConnection> {
    for (;;) {
      const next = this.#ready.shift();
      if (next !== undefined) yield next;
      else if (this.#hasEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const forwarded = (port: number, data: SpdyStream, error: SpdyStream): ForwardedConnection => ({
  port,
  received: data.received,
  write: (bytes) => data.write(bytes),
  end: async (failure) => {
    if (failure !== undefined) await error.write(Buffer.from(failure));
    error.end();
    data.end();
  },
});
