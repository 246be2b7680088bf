/**
 * The CRI streaming server: exec, attach and port-forward over WebSocket or SPDY, on the loopback
 * interface. A URL works once and not for long; it is the only secret that guards a session, since
 * the kubelet in front has asked who may do this.
 */
import type { AttachRequest, ExecRequest, PortForwardRequest } from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import { StatusError } from "../machinery/status-error.ts";
import { acceptStreams } from "../serving/accept-streams.ts";
import { refuseUpgrade } from "../serving/refuse-upgrade.ts";
import type { UpgradeRequest } from "../serving/server-contract.ts";
import { startServer } from "../serving/server.ts";
import { attachSession, execSession } from "./streaming-sessions.ts";
import type { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { invalid, required } from "./cri-error.ts";
import { connectInNamespace } from "./namespace-socket.ts";
import { servePortForward } from "./port-forward.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { Tickets } from "./tickets.ts";

export interface StreamingParts {
  readonly context: CriContext;
  readonly containers: Containers;
  readonly sandboxes: Sandboxes;
}

/** Hands out the one-time URLs. */
export interface StreamingServer {
  exec(request: ExecRequest): string;
  attach(request: AttachRequest): string;
  portForward(request: PortForwardRequest): string;
  close(): Promise<void>;
}

type Session =
  | { readonly do: "exec"; readonly request: ExecRequest }
  | { readonly do: "attach"; readonly request: AttachRequest }
  | { readonly do: "portforward"; readonly request: PortForwardRequest };

export async function openStreaming(parts: StreamingParts): Promise<StreamingServer> {
  const { context } = parts;
  const tickets = new Tickets<Session>(context.clock, context.random);
  const server = await startServer({
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: 1024,
    handler: async () => ({
      status: 404,
      headers: { "content-type": "text/plain" },
      body: Buffer.from("only upgrades to WebSocket or SPDY/3.1 are served here\n"),
    }),
    upgrade: async (upgrade) => {
      const session = tickets.redeem(upgrade.path.split(/[/?]/)[2] ?? "");
      if (session === undefined) {
        refuseUpgrade(upgrade, new StatusError("NotFound", "this address was used, or is too old"));
        return;
      }
      await run(parts, session, upgrade).catch((error: unknown) =>
        context.logger.warn({ session: session.do, error: chainOf(error) }, "stream ended"),
      );
    },
  });
  const url = (session: Session): string =>
    `http://127.0.0.1:${server.port}/${session.do}/${tickets.issue(session)}`;
  return {
    exec: (request) => {
      if ((request.cmd ?? []).length === 0) throw invalid("no command");
      checkStreams(request);
      return url({ do: "exec", request });
    },
    attach: (request) => {
      checkStreams(request);
      return url({ do: "attach", request });
    },
    portForward: (request) => url({ do: "portforward", request }),
    close: async () => await server.close(),
  };
}

/** CRI's rules: something must be asked for, and a terminal has one output. */
function checkStreams(request: ExecRequest | AttachRequest): void {
  const { stdin, stdout, stderr, tty } = request;
  if (tty === true && stderr === true) throw invalid("a terminal has no stderr of its own");
  if (stdin !== true && stdout !== true && stderr !== true) {
    throw invalid("one of stdin, stdout or stderr must be asked for");
  }
}

async function run(
  parts: StreamingParts,
  session: Session,
  upgrade: UpgradeRequest,
): Promise<void> {
  const { context, containers } = parts;
  if (session.do === "portforward") return await forwardPorts(parts, session.request, upgrade);
  const { stdin = false, stdout = false, stderr = false, tty = false } = session.request;
  const streams = await acceptStreams(upgrade, { stdin, stdout, stderr, tty }, context.clock);
  const id = required(session.request.containerId, "container id");
  if (session.do === "attach") {
    return await attachSession(context, containers, { id, tty }, streams);
  }
  await execSession(context, containers, session.request, streams);
}

async function forwardPorts(
  { context, sandboxes }: StreamingParts,
  { podSandboxId }: PortForwardRequest,
  upgrade: UpgradeRequest,
): Promise<void> {
  const sandbox = sandboxes.get(required(podSandboxId, "sandbox id"));
  const { network } = sandboxes.paths(sandbox);
  await servePortForward(
    upgrade,
    async (port) => await connectInNamespace(context.kernel, network, port),
  );
}
