import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { systemClock } from "../../base/system-clock.ts";
import type { Handler } from "../../base/wire.ts";
import { acceptPortForward } from "../accept-port-forward.ts";
import { acceptStreams } from "../accept-streams.ts";
import { startServer } from "../server.ts";
import type {
  RunningServer,
  ServerTls,
  UpgradeHandler,
  UpgradeRequest,
} from "../server-contract.ts";
import type { ForwardedConnection, RemoteStreams, StreamRequest } from "../streams-contract.ts";

/** Runs a command on this machine and ties it to the streams, as a runtime ties a container. */
async function runCommand(command: readonly string[], streams: RemoteStreams): Promise<void> {
  const [file = "", ...args] = command;
  const child = spawn(file, args);
  streams.closed.addEventListener("abort", () => child.kill("SIGKILL"), { once: true });
  const feed = async (): Promise<void> => {
    child.stdin.on("error", () => {});
    for await (const data of streams.stdin) {
      if (!child.stdin.write(data)) await new Promise((done) => child.stdin.once("drain", done));
    }
    child.stdin.end();
  };
  const pump = async (
    from: AsyncIterable<Uint8Array>,
    write: (data: Uint8Array) => Promise<void>,
  ): Promise<void> => {
    for await (const data of from) await write(data);
  };
  void feed();
  const exit = new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 137));
  });
  try {
    const [exitCode] = await Promise.all([
      exit,
      pump(child.stdout, (data) => streams.writeStdout(data)),
      pump(child.stderr, (data) => streams.writeStderr(data)),
    ]);
    await streams.finish({ exitCode });
  } catch (error) {
    await streams.finish({ failure: String(error) });
  }
}

const flag = (query: URLSearchParams, name: string): boolean =>
  ["1", "true"].includes(query.get(name) ?? "");

/** A StreamRequest from exec's query, in the API server's words or the kubelet's. */
export const streamRequestOf = (query: URLSearchParams): StreamRequest => ({
  stdin: flag(query, "stdin") || flag(query, "input"),
  stdout: flag(query, "stdout") || flag(query, "output"),
  stderr: flag(query, "stderr") || flag(query, "error"),
  tty: flag(query, "tty"),
});

/** Ports of the pod are ports of this machine's loopback. */
async function forward(upgrade: UpgradeRequest): Promise<void> {
  const { connections } = await acceptPortForward(upgrade);
  for await (const connection of connections) void forwardOne(connection);
}

async function forwardOne(connection: ForwardedConnection): Promise<void> {
  try {
    const socket = connect(connection.port, "127.0.0.1");
    await once(socket, "connect");
    const feed = async (): Promise<void> => {
      for await (const data of connection.received) socket.write(data);
      socket.end();
    };
    void feed();
    for await (const data of socket as AsyncIterable<Uint8Array>) await connection.write(data);
    await connection.end();
  } catch (error) {
    await connection.end(String(error));
  }
}

/** Executes `?command=…` of every upgrade; a tty first says what size it was given. */
export const shellUpgrade: UpgradeHandler = async (upgrade) => {
  if (upgrade.path.includes("/portforward")) return forward(upgrade);
  const query = new URLSearchParams(upgrade.path.split("?")[1]);
  const request = streamRequestOf(query);
  const streams = await acceptStreams(upgrade, request, systemClock);
  if (request.tty) {
    for await (const { width, height } of streams.resizes) {
      await streams.writeStdout(Buffer.from(`size ${width}x${height}\r\n`));
      break;
    }
  }
  await runCommand(query.getAll("command"), streams);
};

/** As much of an API server as kubectl asks for before it executes something in a pod. */
const documents: Readonly<Record<string, object>> = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [
      { name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get"] },
    ],
  },
  "/api/v1/namespaces/default/pods/web": {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "default" },
    spec: { containers: [{ name: "web" }] },
    status: { phase: "Running" },
  },
};

/** Serves one running pod to kubectl, and executes on this machine what it is asked to. */
export function startShellServer(
  tls: ServerTls | undefined,
  upgrade: UpgradeHandler = shellUpgrade,
): Promise<RunningServer> {
  const handler: Handler = async ({ path }) => {
    const [route = ""] = path.split("?");
    const body = documents[route];
    return {
      status: body === undefined ? 404 : 200,
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(body ?? { kind: "Status", status: "Failure", code: 404 })),
    };
  };
  return startServer({
    ...(tls === undefined ? {} : { tls }),
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: 1_000_000,
    handler,
    upgrade,
  });
}
