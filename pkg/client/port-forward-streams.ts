/**
 * The client's half of port-forward, as kubectl's from 1.31 on: a SPDY connection in the messages
 * of a WebSocket, and on it two streams for each connection that is carried.
 */
import { createWebSocketStream } from "ws";
import { SpdyConnection, type SpdyStream } from "../streams/spdy-connection.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { openedSocket, upgradeSocket } from "./upgrade-socket.ts";

/** One connection to a port of the pod. */
export interface ForwardStream {
  /** What the pod says; ends when it does. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>;
  /** Half-closes our side. */
  end(): void;
  reset(): void;
  /** Why it could not be served, or "": known when the pod's side has ended. */
  readonly failure: Promise<string>;
}

export interface PortForward {
  open(port: number): ForwardStream;
  /** Aborts when the connection to the server has gone. */
  readonly closed: AbortSignal;
  close(): void;
}

const protocol = "SPDY/3.1+portforward.k8s.io";
const failureBytesMax = 64 * 1024;

async function textOf(stream: SpdyStream): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream.received) {
    bytes += piece.length;
    if (bytes <= failureBytesMax) pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/**
 * Opens `…/pods/NAME/portforward`. Rejects with the server's StatusError where it refuses. The
 * signal ends the connection whenever it aborts.
 */
export async function openPortForward(
  access: ClusterAccess,
  path: string,
  signal: AbortSignal,
): Promise<PortForward> {
  const socket = await upgradeSocket(access, path, protocol, signal);
  const opened = openedSocket(socket);
  // Made before it is open, so that no message is lost.
  const connection = new SpdyConnection(createWebSocketStream(socket));
  const serving = connection.serve(new Uint8Array(0));
  await opened;
  void serving;
  let requests = 0;
  return {
    closed: connection.closed,
    close: () => connection.end(),
    open: (port) => {
      const requestid = `${requests++}`;
      const headers = { port: `${port}`, requestid };
      const error = connection.open({ ...headers, streamtype: "error" });
      // Nothing is said there but by the other side.
      error.end();
      const data = connection.open({ ...headers, streamtype: "data" });
      return {
        received: data.received,
        write: (bytes) => data.write(bytes),
        end: () => data.end(),
        reset: () => data.reset(),
        failure: textOf(error),
      };
    },
  };
}
