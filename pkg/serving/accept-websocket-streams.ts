import type { IncomingMessage } from "node:http";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { badRequest } from "../machinery/status.ts";
import { nothing } from "./accept-spdy-streams.ts";
import { ByteQueue } from "../base/byte-queue.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import { failureText, outcomeText } from "./stream-outcome.ts";
import type { RemoteStreams, StreamRequest } from "./streams-contract.ts";
import { terminalSizes } from "./terminal-sizes.ts";

/** How a subprotocol carries streams. */
interface Dialect {
  readonly protocol: string;
  /** Text messages: a digit for the channel, and base64. */
  readonly isText: boolean;
  /** The error channel ends with a Status; before v4 only a failure was told, in words. */
  readonly tellsStatus: boolean;
}

/**
 * Best first: v5 can close stdin, v4 cannot. The last is of clients that name no protocol at all.
 */
const dialects: readonly Dialect[] = [
  { protocol: "v5.channel.k8s.io", isText: false, tellsStatus: true },
  { protocol: "v4.channel.k8s.io", isText: false, tellsStatus: true },
  { protocol: "v4.base64.channel.k8s.io", isText: true, tellsStatus: true },
  { protocol: "channel.k8s.io", isText: false, tellsStatus: false },
  { protocol: "base64.channel.k8s.io", isText: true, tellsStatus: false },
  { protocol: "", isText: false, tellsStatus: false },
];
const protocolsOf = dialects.map(({ protocol }) => protocol);

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
 * exec and attach over WebSocket: messages whose first byte says which stream they are of.
 */
export async function acceptWebSocketStreams(
  upgrade: UpgradeRequest,
  request: StreamRequest,
): Promise<RemoteStreams> {
  const { socket, protocol } = await switchToWebSocket(upgrade, protocolsOf);
  const { isText, tellsStatus } = dialects.find((one) => one.protocol === protocol) ?? plainest;
  const queue = (): ByteQueue => new ByteQueue(webSocketLimits.streamBytesMax);
  const received = new Map<number, ByteQueue>([
    ...(request.stdin ? [[channels.stdin, queue()] as const] : []),
    ...(request.tty ? [[channels.resize, queue()] as const] : []),
  ]);
  const closed = new AbortController();
  socket.on("message", (data) =>
    takeMessage(socket, isText ? decoded(bytesOf(data)) : bytesOf(data), received),
  );
  // Its close event follows.
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    for (const each of received.values()) each.end();
    closed.abort();
  });
  const send = (channel: number, data: Uint8Array): Promise<void> =>
    isText ? sendMessage(socket, encoded(channel, data)) : sendOn(socket, channel, data);
  // Tells the client that its streams are there, as upstream's server does.
  if (request.stdout) await send(channels.stdout, new Uint8Array(0));
  return {
    stdin: received.get(channels.stdin) ?? nothing(),
    resizes: terminalSizes(received.get(channels.resize) ?? nothing()),
    writeStdout: (data) => (request.stdout ? send(channels.stdout, data) : Promise.resolve()),
    writeStderr: (data) =>
      request.stderr && !request.tty ? send(channels.stderr, data) : Promise.resolve(),
    finish: async (outcome) => {
      const text = tellsStatus ? outcomeText(outcome) : failureText(outcome);
      if (text !== "") await send(channels.error, Buffer.from(text));
      socket.close(1000);
    },
    closed: closed.signal,
  };
}

const plainest: Dialect = { protocol: "", isText: false, tellsStatus: false };

/** "1aGk=" for "hi" on channel 1, and back. */
const encoded = (channel: number, data: Uint8Array): string =>
  `${channel}${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64")}`;
const decoded = (message: Buffer): Buffer =>
  Buffer.concat([
    Buffer.of((message[0] ?? 0) - "0".charCodeAt(0)),
    Buffer.from(message.subarray(1).toString("latin1"), "base64"),
  ]);

export interface SwitchedSocket {
  readonly socket: WebSocket;
  /** Of those that were wanted; "" where the client named none. */
  readonly protocol: string;
}

/** Completes the handshake in the best of the wanted subprotocols that the client offers. */
export function switchToWebSocket(
  upgrade: UpgradeRequest,
  protocols: readonly string[],
): Promise<SwitchedSocket> {
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
  if (chosen !== "") {
    server.on("headers", (lines) => lines.push(`Sec-WebSocket-Protocol: ${chosen}`));
  }
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
      (socket) => resolve({ socket, protocol: chosen }),
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

/** One message of a channel, as sendMessage sends it. */
export const sendOn = (socket: WebSocket, channel: number, data: Uint8Array): Promise<void> =>
  sendMessage(socket, Buffer.concat([Buffer.of(channel), data]));

/** Resolves at once while there is room, else when the socket took the message, or closed. */
export function sendMessage(socket: WebSocket, message: Uint8Array | string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.resolve();
  if (socket.bufferedAmount < webSocketLimits.sendBytesMax) {
    // A socket that broke meanwhile says so by its close event.
    socket.send(message, () => {});
    return Promise.resolve();
  }
  return new Promise((resolve) => socket.send(message, () => resolve()));
}
