import type { WireBody } from "../base/wire.ts";
import { sendMessage, switchToWebSocket } from "./accept-websocket-streams.ts";
import type { UpgradeRequest } from "./server-contract.ts";

const textProtocol = "base64.binary.k8s.io";
/** Best first; the last is of clients that name none. */
const protocols = ["binary.k8s.io", textProtocol, ""];

/**
 * A body that is only read, such as a log, over WebSocket: a message for each piece as it comes,
 * and the connection's end is the body's. A client that goes is to end the body: whoever makes it
 * is told by the upgrade's socket. Resolves when the connection has ended.
 */
export async function sendOverWebSocket(upgrade: UpgradeRequest, body: WireBody): Promise<void> {
  const { socket, protocol } = await switchToWebSocket(upgrade, protocols);
  const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  // Its close event follows.
  socket.on("error", () => socket.terminate());
  const isText = protocol === textProtocol;
  try {
    for await (const piece of body instanceof Uint8Array ? [body] : body) {
      if (socket.readyState !== socket.OPEN) break;
      if (piece.length > 0) await sendMessage(socket, isText ? base64Of(piece) : piece);
    }
    socket.close(closeCodes.normal);
  } catch {
    socket.close(closeCodes.internalError);
  }
  await closed;
}

/** RFC 6455, 7.4.1 */
const closeCodes = { normal: 1000, internalError: 1011 } as const;

const base64Of = (piece: Uint8Array): string =>
  Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("base64");
