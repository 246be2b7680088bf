/**
 * A Transport for programs that ask a few things and end: HTTP/1.1 only, so that Node's HTTP/2 is
 * not loaded. Programs that watch much take `https-transport.ts`.
 */
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { WireRequest, WireResponse } from "../base/wire.ts";
import { identityHeaders, type ClusterAccess } from "./cluster-access.ts";
import { sendHttp1, type Http1Target } from "./http1-request.ts";
import type { HttpsTransport } from "./https-transport.ts";
import { tlsOptions } from "./tls-options.ts";

async function targetOf(access: ClusterAccess, base: URL): Promise<Http1Target> {
  if (base.protocol === "http:") {
    // Not at the top: an import of node:http loads Node's fetch with it, which takes 10 ms.
    const { Agent, request } = await import("node:http");
    return { base, agent: new Agent({ keepAlive: true }), start: (options) => request(options) };
  }
  const agent = new HttpsAgent({ ...(await tlsOptions(access, base)), keepAlive: true });
  return { base, agent, start: (options) => httpsRequest(options) };
}

export function briefTransport(access: ClusterAccess): HttpsTransport {
  const base = new URL(access.server);
  const basePath = base.pathname === "/" ? "" : base.pathname.replace(/\/$/, "");
  let target: Promise<Http1Target> | undefined;
  const send = async (request: Omit<WireRequest, "peer">): Promise<WireResponse> => {
    request.signal.throwIfAborted();
    const path = basePath + request.path;
    try {
      target ??= targetOf(access, base);
      const headers = { ...request.headers, ...(await identityHeaders(access)) };
      return await sendHttp1(await target, { ...request, path, headers });
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      throw new Error(`${request.method} ${base.origin}${path}`, { cause });
    }
  };
  const close = (): void => void target?.then(({ agent }) => agent.destroy()).catch(() => {});
  return { send, close };
}
