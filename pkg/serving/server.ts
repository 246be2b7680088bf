/**
 * HTTPS around one Handler: TLS, h2 and http/1.1, client certificates, bodies, upgrades, a graceful
 * end. This room carries requests and streams; it never knows what they are about, and never
 * decides who may do what.
 */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { IncomingMessage, RequestListener } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { isStream, type WireRequest } from "../base/wire.ts";
import { StatusError } from "../machinery/status-error.ts";
import { connectionLimits, createListener, renewTls, type Listener } from "./listener.ts";
import { peerOf } from "./peer.ts";
import { sendResponse } from "./send-response.ts";
import type { RunningServer, ServerOptions } from "./server-contract.ts";
import { statusAnswer } from "./status-answer.ts";

/** Methods that may carry a body; fastify reads none for the others. */
const methods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/** What a running server must end when it closes. */
interface Open {
  isClosing: boolean;
  requests: number;
  /** Called when the last running request of a closing server has ended. */
  whenIdle: () => void;
  readonly streams: Set<AbortController>;
  readonly upgraded: Set<Socket>;
}

/** Listens, and resolves when connections are accepted. Rejects when the port cannot be had. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const open: Open = {
    isClosing: false,
    requests: 0,
    whenIdle: () => {},
    streams: new Set(),
    upgraded: new Set(),
  };
  let listener: Listener | undefined;
  const app = fastify({
    bodyLimit: options.bodyBytesMax,
    keepAliveTimeout: connectionLimits.idleMs,
    // The path is the Handler's business: one route, and nothing of the URL is decoded here.
    rewriteUrl: () => "/",
    serverFactory: (handle: RequestListener) => {
      listener = createListener(options.tls, handle);
      // fastify's types want http/1.1's server; it uses what both have.
      return listener.server as ReturnType<typeof import("node:http").createServer>;
    },
  });
  mount(app, options, open);
  if (listener === undefined) throw new Error("fastify did not ask for its server");
  const { server, sockets, sessions } = listener;
  acceptUpgrades(server, options, open);
  await app.listen({ host: options.address, port: options.port });
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    renewTls: (tls) => renewTls(server, tls),
    close: () => closeServer(app, { server, sockets, sessions }, open),
  };
}

function mount(app: FastifyInstance, options: ServerOptions, open: Open): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, _request, reply) => {
    reply.hijack();
    const answer = statusAnswer(requestError(error, options.bodyBytesMax));
    // What is left of a refused body would be read as the next request.
    const headers = reply.raw.req.httpVersionMajor === 1 ? { connection: "close" } : {};
    return sendResponse(reply.raw, { ...answer, headers: { ...answer.headers, ...headers } });
  });
  // Only a method that is not in the list comes here: every path is the one route.
  app.setNotFoundHandler(({ method }, reply) => {
    reply.hijack();
    const error = new StatusError("MethodNotAllowed", `method ${method} is not allowed`);
    return sendResponse(reply.raw, statusAnswer(error));
  });
  app.route({
    method: methods,
    url: "/",
    exposeHeadRoute: false,
    handler: (request, reply) => {
      reply.hijack();
      return serve(request, reply, options, open);
    },
  });
}

/** Why fastify refused a request, in the API's words. */
function requestError(error: unknown, bodyBytesMax: number): StatusError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    const message = `Request entity too large: limit is ${bodyBytesMax}`;
    return new StatusError("RequestEntityTooLarge", message, {}, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  const reason = code === "FST_ERR_CTP_INVALID_MEDIA_TYPE" ? "UnsupportedMediaType" : "BadRequest";
  return new StatusError(reason, message, {}, { cause: error });
}

async function serve(
  request: FastifyRequest,
  { raw }: FastifyReply,
  { handler, logger }: ServerOptions,
  open: Open,
): Promise<void> {
  const controller = new AbortController();
  raw.on("close", () => {
    if (!raw.writableEnded) controller.abort();
    open.streams.delete(controller);
    open.requests -= 1;
    if (open.requests === 0) open.whenIdle();
  });
  open.requests += 1;
  const wire = wireRequest(request, controller.signal);
  try {
    const response = await handler(wire);
    if (raw.destroyed) return;
    if (isStream(response.body)) open.streams.add(controller);
    if (open.isClosing) {
      raw.shouldKeepAlive = false;
      if (isStream(response.body)) controller.abort();
    }
    await sendResponse(raw, response);
  } catch (error) {
    if (controller.signal.aborted) {
      raw.end();
      return;
    }
    logger?.error({ error, method: wire.method, path: wire.path }, "request failed");
    // After the head only a broken connection can tell the client that this is not the end.
    if (raw.headersSent) raw.destroy();
    else await sendResponse(raw, statusAnswer(error));
  }
}

function wireRequest(request: FastifyRequest, signal: AbortSignal): WireRequest {
  const raw = request.raw;
  const headers = raw.headers as Record<string, string | undefined>;
  // h2 names the host in a pseudo-header; the request chain reads one name for both.
  if (raw.httpVersionMajor === 2) headers["host"] ??= headers[":authority"];
  const { body } = request;
  const fields = {
    method: raw.method ?? "GET",
    path: request.originalUrl,
    headers,
    peer: requestPeer(raw),
    signal,
  };
  return body instanceof Uint8Array ? { ...fields, body } : fields;
}

function requestPeer(raw: IncomingMessage): WireRequest["peer"] {
  const session = (raw as unknown as Partial<Http2ServerRequest>).stream?.session;
  if (session === undefined) return peerOf(raw.socket, () => raw.socket);
  // The session's socket is a proxy that is not instanceof TLSSocket for every check.
  return peerOf(session, () => session.socket as Socket);
}

function acceptUpgrades(server: Listener["server"], options: ServerOptions, open: Open): void {
  const { upgrade, logger } = options;
  if (upgrade === undefined) return;
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    open.upgraded.add(socket);
    socket.on("close", () => open.upgraded.delete(socket));
    // Whoever takes the connection over sees its end as the end of the stream.
    socket.on("error", () => socket.destroy());
    upgrade({
      method: request.method ?? "GET",
      path: request.url ?? "/",
      headers: request.headers as Record<string, string | undefined>,
      peer: peerOf(socket, () => socket),
      socket,
      head,
    }).catch((error: unknown) => {
      logger?.error({ error, path: request.url }, "upgrade failed");
      socket.destroy();
    });
  });
}

async function closeServer(app: FastifyInstance, listener: Listener, open: Open): Promise<void> {
  open.isClosing = true;
  const idle = new Promise<void>((resolve) => (open.whenIdle = resolve));
  for (const stream of open.streams) stream.abort();
  for (const socket of open.upgraded) socket.destroy();
  // GOAWAY: running streams end, new ones go to another connection.
  for (const session of listener.sessions) session.close();
  const closed = app.close();
  if (open.requests > 0) await idle;
  for (const socket of listener.sockets) socket.destroySoon();
  await closed;
}
