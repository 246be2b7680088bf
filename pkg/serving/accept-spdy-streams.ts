import type { Clock } from "../base/clock.ts";
import { StatusError } from "../machinery/status-error.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import { SpdyConnection, type SpdyStream } from "../streams/spdy-connection.ts";
import { outcomeText } from "./stream-outcome.ts";
import type { RemoteStreams, StreamRequest } from "./streams-contract.ts";
import { terminalSizes } from "./terminal-sizes.ts";

/** The one version in use: every client since Kubernetes 1.4 offers it. */
const version = "v4.channel.k8s.io";
const versionHeader = "x-stream-protocol-version";

/** How long a client may take to open all the streams that it asked for. */
export const streamCreationMs = 30_000;

/** Answers the upgrade to SPDY/3.1 in the wanted protocol; what it returns was a refusal. */
export function switchToSpdy(upgrade: UpgradeRequest, protocol: string): StatusError | undefined {
  const offered = (upgrade.headers[versionHeader] ?? "").split(",").map((one) => one.trim());
  if (!offered.includes(protocol)) {
    const message =
      `unable to upgrade: unable to negotiate protocol: client supports ` +
      `[${offered.join(", ")}], server accepts [${protocol}]`;
    const error = new StatusError("Forbidden", message);
    refuseUpgrade(upgrade, error, { "x-accepted-stream-protocol-versions": protocol });
    return error;
  }
  upgrade.socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" +
      `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  return undefined;
}

type Kind = "error" | "stdin" | "stdout" | "stderr" | "resize";

const expectedKinds = (request: StreamRequest): readonly Kind[] => [
  "error",
  ...(request.stdin ? (["stdin"] as const) : []),
  ...(request.stdout ? (["stdout"] as const) : []),
  // A terminal has one output.
  ...(request.stderr && !request.tty ? (["stderr"] as const) : []),
  ...(request.tty ? (["resize"] as const) : []),
];

/**
 * exec and attach over SPDY/3.1: one stream for each of stdin, stdout, stderr, error and resize.
 */
export async function acceptSpdyStreams(
  upgrade: UpgradeRequest,
  request: StreamRequest,
  clock: Clock,
): Promise<RemoteStreams> {
  const refusal = switchToSpdy(upgrade, version);
  if (refusal !== undefined) throw refusal;
  const expected = expectedKinds(request);
  const streams = new Map<string, SpdyStream>();
  const complete = Promise.withResolvers<void>();
  const connection = new SpdyConnection(upgrade.socket, (stream) => {
    const kind = stream.headers["streamtype"] ?? "";
    if (!expected.some((one) => one === kind) || streams.has(kind)) return stream.reset();
    streams.set(kind, stream);
    if (streams.size === expected.length) complete.resolve();
  });
  const give = (because: string) => (): void => complete.reject(new Error(because));
  connection.closed.addEventListener("abort", give("the client went away"), { once: true });
  using _timer = clock.after(streamCreationMs, give("the client did not open its streams in time"));
  void connection.serve(upgrade.head);
  try {
    await complete.promise;
  } catch (cause) {
    connection.end();
    const missing = expected.filter((kind) => !streams.has(kind));
    throw new Error(`wait for the streams ${missing.join(", ")}`, { cause });
  }
  return remoteStreams(connection, streams);
}

function remoteStreams(
  connection: SpdyConnection,
  streams: ReadonlyMap<string, SpdyStream>,
): RemoteStreams {
  const received = (kind: Kind): AsyncIterable<Uint8Array> =>
    streams.get(kind)?.received ?? nothing();
  const write = async (kind: Kind, data: Uint8Array): Promise<void> =>
    streams.get(kind)?.write(data);
  return {
    stdin: received("stdin"),
    resizes: terminalSizes(received("resize")),
    writeStdout: (data) => write("stdout", data),
    writeStderr: (data) => write("stderr", data),
    finish: async (outcome) => {
      await write("error", Buffer.from(outcomeText(outcome)));
      for (const stream of streams.values()) stream.end();
      connection.end();
    },
    closed: connection.closed,
  };
}

/** A stream that was not asked for. */
export async function* nothing(): AsyncGenerator<Uint8Array> {}
