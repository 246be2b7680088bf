import type { IncomingMessage } from "node:http";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { badRequest } from "../machinery/status.ts";
import { nothing } from "./accept-spdy-streams.ts";
import { ByteQueue } from "../base/byte-queue.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import { outcomeText } from "./stream-outcome.ts";
import type { RemoteStreams, StreamRequest } from "./streams-contract.ts";
import { terminalSizes } from "./terminal-sizes.ts";

/** v5 can close stdin, v4 cannot; else they are the same. Best first. */
const versions = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

/** The first byte of every message. */
export const channels = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  error: 3,
  resize: 4,
  close: 255,
} as const;

export const webSocketLimits = {
  messageBytesMax: 4 * 1024 * 1024,
  /** Bytes that wait for the socket before a writer has to. */
  sendBytesMax: 1024 * 1024,
  /** Bytes of one stream that wait for their reader before the connection stops reading. */
  streamBytesMax: 256 * 1024,
} as const;

/**
 * exec and attach over WebSocket: binary messages, whose first byte says which stream they are of.
 */
export async function acceptWebSocketStreams(
  upgrade: UpgradeRequest,
  request: StreamRequest,
): Promise<RemoteStreams> {
  const socket = await switchToWebSocket(upgrade, versions);
  const queue = (): ByteQueue => new ByteQueue(webSocketLimits.streamBytesMax);
  const received = new Map<number, ByteQueue>([
    ...(request.stdin ? [[channels.stdin, queue()] as const] : []),
    ...(request.tty ? [[channels.resize, queue()] as const] : []),
  ]);
  const closed = new AbortController();
  socket.on("message", (data) => takeMessage(socket, bytesOf(data), received));
  // Its close event follows.
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    for (const each of received.values()) each.end();
    closed.abort();
  });
  const send = (channel: number, data: Uint8Array): Promise<void> => sendOn(socket, channel, data);
  // Tells the client that its streams are there, as upstream's server does.
  if (request.stdout) await send(channels.stdout, new Uint8Array(0));
  return {
    stdin: received.get(channels.stdin) ?? nothing(),
    resizes: terminalSizes(received.get(channels.resize) ?? nothing()),
    writeStdout: (data) => (request.stdout ? send(channels.stdout, data) : Promise.resolve()),
    writeStderr: (data) =>
      request.stderr && !request.tty ? send(channels.stderr, data) : Promise.resolve(),
    finish: async (outcome) => {
      await send(channels.error, Buffer.from(outcomeText(outcome)));
      socket.close(1000);
    },
    closed: closed.signal,
  };
}

/** Completes the handshake in the best of the wanted subprotocols that the client offers. */
export function switchToWebSocket(
  upgrade: UpgradeRequest,
  protocols: readonly string[],
): Promise<WebSocket> {
  const offered = (upgrade.headers["sec-websocket-protocol"] ?? "").split(",");
  const chosen = protocols.find((one) => offered.some((offer) => offer.trim() === one));
  if (chosen === undefined) {
    const message =
      `unable to upgrade: unable to negotiate protocol: client supports ` +
      `[${offered.map((one) => one.trim()).join(", ")}], server accepts [${protocols.join(", ")}]`;
    const error = badRequest(message);
    refuseUpgrade(upgrade, error);
    return Promise.reject(error);
  }
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: webSocketLimits.messageBytesMax,
  });
  // ws refuses names with a slash, as port-forward's are: it is not told of the offer.
  const { "sec-websocket-protocol": _, ...headers } = upgrade.headers;
  server.on("headers", (lines) => lines.push(`Sec-WebSocket-Protocol: ${chosen}`));
  return new Promise((resolve, reject) => {
    // Having heard, we answer: ws itself would only write a line of text.
    server.on("wsClientError", (cause: Error) => {
      const error = badRequest(`unable to upgrade: ${cause.message}`);
      refuseUpgrade(upgrade, error);
      reject(error);
    });
    // ws reads the method, the address and these headers of a request, and nothing else.
    const request = { method: upgrade.method, url: upgrade.path, headers };
    server.handleUpgrade(
      request as unknown as IncomingMessage,
      upgrade.socket,
      Buffer.from(upgrade.head),
      resolve,
    );
  });
}

function takeMessage(
  socket: WebSocket,
  message: Buffer,
  received: ReadonlyMap<number, ByteQueue>,
): void {
  const channel = message[0];
  if (channel === undefined) return;
  if (channel === channels.close) {
    received.get(message[1] ?? -1)?.end();
    return;
  }
  const queue = received.get(channel);
  queue?.push(message.subarray(1));
  if (queue?.isFull !== true) return;
  socket.pause();
  void queue.whenRoom().then(() => socket.resume());
}

/** A message as one buffer, whatever ws was told to make of it. */
export const bytesOf = (data: RawData): Buffer => {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
};

/** Resolves at once while there is room, else when the socket took the message, or closed. */
export function sendOn(socket: WebSocket, channel: number, data: Uint8Array): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  const message = Buffer.concat([Buffer.of(channel), data]);
  if (socket.bufferedAmount < webSocketLimits.sendBytesMax) {
    // A socket that broke meanwhile says so by its close event.
    socket.send(message, () => {});
    return Promise.resolve();
  }
  return new Promise((resolve) => socket.send(message, () => resolve()));
}
