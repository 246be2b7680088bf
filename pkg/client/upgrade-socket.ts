import type { ClientRequest, IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { identityHeaders, type ClusterAccess } from "./cluster-access.ts";
import { errorOfResponse } from "./status-response.ts";
import { tlsOptions } from "./tls-options.ts";

const limits = {
  handshakeMs: 30_000,
  messageBytesMax: 16 * 1024 * 1024,
  refusalBytesMax: 64 * 1024,
} as const;

/** What `ws` is told; it takes no slash in a name, although Kubernetes' has one. */
const placeholder = "kubernetes";

function offer(request: ClientRequest, protocol: string): void {
  request.setHeader("Sec-WebSocket-Protocol", protocol);
  request.prependListener("upgrade", ({ headers }: IncomingMessage) => {
    // Anything else stays, and is refused.
    if (headers["sec-websocket-protocol"] === protocol)
      headers["sec-websocket-protocol"] = placeholder;
  });
  request.end();
}

/**
 * A WebSocket to a path of the API server, as who `access` is; not yet open. The signal ends it
 * whenever it aborts.
 */
export async function upgradeSocket(
  access: ClusterAccess,
  path: string,
  protocol: string,
  signal: AbortSignal,
): Promise<WebSocket> {
  signal.throwIfAborted();
  const base = new URL(access.server);
  const prefix = base.pathname === "/" ? "" : base.pathname.replace(/\/$/, "");
  const isSecure = base.protocol === "https:";
  const tls = isSecure ? await tlsOptions(access, base) : {};
  const url = `${isSecure ? "wss" : "ws"}://${base.host}${prefix}${path}`;
  const socket = new WebSocket(url, [placeholder], {
    ...tls,
    headers: await identityHeaders(access),
    perMessageDeflate: false,
    handshakeTimeout: limits.handshakeMs,
    maxPayload: limits.messageBytesMax,
    finishRequest: (request) => offer(request, protocol),
  });
  const cancel = (): void => socket.terminate();
  signal.addEventListener("abort", cancel, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", cancel));
  return socket;
}

/** Resolves when it is open; rejects with the server's StatusError where it refuses. */
export function openedSocket(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.once("unexpected-response", (_request, response: IncomingMessage) => {
      refusalOf(response)
        .then(reject, reject)
        .finally(() => socket.terminate());
    });
  });
}

async function refusalOf(response: IncomingMessage): Promise<Error> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > limits.refusalBytesMax) break;
    pieces.push(piece);
  }
  return errorOfResponse(response.statusCode ?? 500, Buffer.concat(pieces));
}
