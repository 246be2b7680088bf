/** Connections to ports of a pod, over SPDY: two streams each, one for data and one for errors. */
import type { Socket } from "node:net";
import { chainOf } from "../base/errors.ts";
import type { UpgradeRequest } from "../serving/server-contract.ts";
import { switchToSpdy } from "../serving/accept-spdy-streams.ts";
import { SpdyConnection, type SpdyStream } from "../serving/spdy/spdy-connection.ts";

/** Names the only version of the protocol. */
const protocol = "portforward.k8s.io";
/** As many as an SPDY connection has streams for. */
const connectionsMax = 500;

/** Opens a connection to one port. */
export type Dial = (port: number) => Promise<Socket>;

/** Serves until the client goes. Data and error stream of one connection share a request id. */
export async function servePortForward(upgrade: UpgradeRequest, dial: Dial): Promise<void> {
  const refusal = switchToSpdy(upgrade, protocol);
  if (refusal !== undefined) throw refusal;
  const halves = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(upgrade.socket, (stream) => {
    const id = stream.headers["requestid"] ?? "";
    const other = halves.get(id);
    if (other === undefined) {
      if (halves.size >= connectionsMax) return stream.reset();
      halves.set(id, stream);
      return;
    }
    halves.delete(id);
    const isData = stream.headers["streamtype"] === "data";
    const pair = isData ? { data: stream, error: other } : { data: other, error: stream };
    void forward(pair, dial, connection.closed);
  });
  await connection.serve(upgrade.head);
}

interface Pair {
  readonly data: SpdyStream;
  readonly error: SpdyStream;
}

/** What goes wrong is told on the error stream; an empty one means that all went well. */
async function forward({ data, error }: Pair, dial: Dial, closed: AbortSignal): Promise<void> {
  try {
    const socket = await dial(portOf(data));
    const onGone = (): void => void socket.destroy();
    closed.addEventListener("abort", onGone, { once: true });
    try {
      await Promise.all([pumpOut(socket, data), pumpIn(data, socket)]);
    } finally {
      closed.removeEventListener("abort", onGone);
      socket.destroy();
    }
  } catch (cause) {
    await error.write(Buffer.from(chainOf(cause)));
    data.reset();
  }
  error.end();
}

function portOf({ headers }: SpdyStream): number {
  const port = Number(headers["port"]);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`bad port ${JSON.stringify(headers["port"])}`);
  }
  return port;
}

async function pumpOut(socket: Socket, data: SpdyStream): Promise<void> {
  for await (const chunk of socket) await data.write(chunk as Uint8Array);
  data.end();
}

async function pumpIn(data: SpdyStream, socket: Socket): Promise<void> {
  for await (const chunk of data.received) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
  }
  socket.end();
}

const drained = async (socket: Socket): Promise<void> =>
  await new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
