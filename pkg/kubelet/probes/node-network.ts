import { Client, credentials, status as GrpcStatus } from "@grpc/grpc-js";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Clock } from "../../base/clock.ts";
import type { HttpProbeRequest, ProbeNetwork, ReachOutcome } from "./probe-network.ts";

/** What is kept of an answer's body, for the message of a failure. */
const bodyBytesMax = 10 * 1024;
const userAgent = "kube-probe/1.37";

/** Probes over the node's own network. */
export const createNodeNetwork = (clock: Clock): ProbeNetwork => ({
  http,
  tcp,
  grpc: (host, port, service, timeoutMs) => {
    const deadlineMs = clock.now() + timeoutMs;
    return grpc({ host, port, service, deadlineMs });
  },
});

/** In the words of Go's dialer, which people know from upstream's events. */
function failed(error: NodeJS.ErrnoException, host: string, port: number): ReachOutcome {
  const isRefused = error.code === "ECONNREFUSED";
  const what = isRefused ? "connect: connection refused" : error.message;
  const message = `dial tcp ${host}:${port}: ${what}`;
  return { got: isRefused ? "refused" : "error", message };
}

function http(probe: HttpProbeRequest): Promise<ReachOutcome> {
  const { promise, resolve } = Promise.withResolvers<ReachOutcome>();
  const headers: Record<string, string> = { "user-agent": userAgent, accept: "*/*" };
  for (const [name, value] of probe.headers) headers[name.toLowerCase()] = value;
  const options = {
    host: probe.host,
    port: probe.port,
    path: probe.path.startsWith("/") ? probe.path : `/${probe.path}`,
    headers,
    // A connection of its own each time, as a new client would make: what is probed is that.
    agent: false,
    signal: AbortSignal.timeout(probe.timeoutMs),
  } as const;
  const answered = (answer: IncomingMessage): void => {
    readBody(answer).then(
      (body) => resolve({ got: "answer", status: answer.statusCode ?? 0, body }),
      (error: unknown) => resolve(failedProbe(error as NodeJS.ErrnoException, probe)),
    );
  };
  const call =
    probe.scheme === "https"
      ? httpsRequest({ ...options, rejectUnauthorized: false }, answered)
      : httpRequest(options, answered);
  call.on("error", (error: NodeJS.ErrnoException) => {
    const timedOut = options.signal.aborted;
    resolve(
      timedOut ? { got: "error", message: timeoutMessage(probe) } : failedProbe(error, probe),
    );
  });
  call.end();
  return promise;
}

const urlOf = ({ scheme, host, port, path }: HttpProbeRequest): string =>
  `${scheme}://${host}:${port}${path.startsWith("/") ? path : `/${path}`}`;

function failedProbe(error: NodeJS.ErrnoException, probe: HttpProbeRequest): ReachOutcome {
  const failure = failed(error, probe.host, probe.port);
  if (failure.got === "answer") return failure;
  return { ...failure, message: `Get "${urlOf(probe)}": ${failure.message}` };
}

const timeoutMessage = (probe: HttpProbeRequest): string =>
  `Get "${urlOf(probe)}": context deadline exceeded ` +
  "(Client.Timeout exceeded while awaiting headers)";

async function readBody(answer: IncomingMessage): Promise<string> {
  let body = "";
  for await (const piece of answer as AsyncIterable<Buffer>) {
    body += piece.toString();
    if (body.length >= bodyBytesMax) break;
  }
  return body.slice(0, bodyBytesMax);
}

function tcp(host: string, port: number, timeoutMs: number): Promise<ReachOutcome> {
  const { promise, resolve } = Promise.withResolvers<ReachOutcome>();
  const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
  socket.once("connect", () => {
    socket.destroy();
    resolve({ got: "answer", status: 0, body: "" });
  });
  socket.once("error", (error: NodeJS.ErrnoException) => {
    const timedOut = error.name === "AbortError";
    const message = `dial tcp ${host}:${port}: i/o timeout`;
    resolve(timedOut ? { got: "error", message } : failed(error, host, port));
  });
  return promise;
}

/** HealthCheckRequest has one field, `service` (1); the answer has one, `status` (1). */
interface GrpcProbe {
  readonly host: string;
  readonly port: number;
  readonly service: string;
  readonly deadlineMs: number;
}

function grpc({ host, port, service, deadlineMs }: GrpcProbe): Promise<ReachOutcome> {
  const { promise, resolve } = Promise.withResolvers<ReachOutcome>();
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const name = Buffer.from(service);
  // A name longer than 127 bytes has a length of two bytes; health services' names never are.
  const head = name.length === 0 ? [] : [0x0a, Math.min(name.length, 127)];
  client.makeUnaryRequest<Buffer, number>(
    "/grpc.health.v1.Health/Check",
    () => Buffer.concat([Buffer.from(head), name.subarray(0, 127)]),
    (bytes) => (bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0),
    Buffer.alloc(0),
    { deadline: deadlineMs },
    (error, status) => {
      client.close();
      if (error === null) return resolve({ got: "answer", status: status ?? 0, body: "" });
      const refused =
        error.code === GrpcStatus.UNAVAILABLE && error.details.includes("ECONNREFUSED");
      resolve({ got: refused ? "refused" : "error", message: error.details });
    },
  );
  return promise;
}
