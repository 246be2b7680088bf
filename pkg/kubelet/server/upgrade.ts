import { StatusError } from "../../machinery/status-error.ts";
import type { UpgradeHandler, UpgradeRequest } from "../../serving/server-contract.ts";
import { refuseUpgrade } from "../../serving/refuse-upgrade.ts";
import { dialPlain, proxyUpgrade, type UpgradeTarget } from "../../serving/upgrade-proxy.ts";
import { currentSandbox } from "../runtime/runtime-pod.ts";
import { accessOf, findRunning, findWorker, type ServerParts } from "./server-parts.ts";

/**
 * /exec, /attach and /portForward: asks the runtime for a URL of its streaming server and joins
 * the two connections. The bytes between them are none of the kubelet's business.
 */
export const createUpgradeHandler =
  (parts: ServerParts): UpgradeHandler =>
  async (request) => {
    try {
      await parts.authorize(accessOf(request));
      await proxyUpgrade(request, streamingServer(await streamUrl(request, parts)));
    } catch (error) {
      refuseUpgrade(request, error);
    }
  };

/** The runtime's own server listens on this machine's loopback, without TLS. */
function streamingServer(url: string): UpgradeTarget {
  const { hostname, port, pathname, search, host } = new URL(url);
  const address = { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) };
  return { dial: dialPlain(address), path: `${pathname}${search}`, host };
}

const flag = (query: URLSearchParams, ...names: readonly string[]): boolean =>
  names.some((name) => ["1", "true"].includes(query.get(name) ?? ""));

async function streamUrl(request: UpgradeRequest, parts: ServerParts): Promise<string> {
  const url = new URL(request.path, "https://kubelet");
  const [, verb = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
  const [namespace = "", name = "", ...more] = rest;
  const query = url.searchParams;
  const worker = findWorker(parts, namespace, name);
  if (verb === "portForward") return portForward(worker.uid, query, parts);
  // /exec/{namespace}/{pod}/{container}, or with the pod's uid before the container.
  const container = findRunning(parts, worker, more.at(-1) ?? "");
  const options = {
    containerId: container.id,
    stdin: flag(query, "input", "stdin"),
    stdout: flag(query, "output", "stdout"),
    // A terminal has one output.
    stderr: flag(query, "error", "stderr") && !flag(query, "tty"),
    tty: flag(query, "tty"),
  };
  const { cri } = parts.context;
  if (verb === "attach") return (await cri.attach(options)).url ?? "";
  if (verb !== "exec") throw new StatusError("NotFound", `nothing to upgrade at ${url.pathname}`);
  const cmd = query.getAll("command");
  if (cmd.length === 0) throw new StatusError("BadRequest", "command: Required value");
  return (await cri.exec({ ...options, cmd })).url ?? "";
}

async function portForward(
  uid: string,
  query: URLSearchParams,
  { context }: ServerParts,
): Promise<string> {
  const runtime = context.runtime.get(uid);
  const sandbox = runtime === undefined ? undefined : currentSandbox(runtime);
  if (sandbox === undefined) throw new StatusError("NotFound", "the pod has no running sandbox");
  const port = query
    .getAll("port")
    .flatMap((ports) => ports.split(","))
    .map(Number);
  return (await context.cri.portForward({ podSandboxId: sandbox.id, port })).url ?? "";
}
