import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { Clock } from "../../base/clock.ts";
import type { WireRequest, WireResponse } from "../../base/wire.ts";
import { dialTls, proxyUpgrade } from "../../serving/upgrade-proxy.ts";
import type { KubeletTransport } from "./kubelet-transport.ts";

export interface KubeletHttpsOptions {
  readonly clock: Clock;
  /** apiserver-kubelet-client.crt and .key, PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM; absent: kubelets' own certificates are taken as they are, as upstream does by default. */
  readonly authority?: string;
}

export const kubeletLimits = {
  /** Connections to all kubelets together that wait for their next request. */
  idleSocketsMax: 256,
  /** A node that is gone says nothing at all. */
  connectMs: 10_000,
} as const;

export function kubeletHttps(options: KubeletHttpsOptions): KubeletTransport & Disposable {
  const { certificate, key, authority, clock } = options;
  const tls = {
    cert: certificate,
    key,
    ...(authority === undefined ? { rejectUnauthorized: false } : { ca: authority }),
  };
  const { idleSocketsMax } = kubeletLimits;
  const agent = new Agent({ keepAlive: true, maxFreeSockets: idleSocketsMax, ...tls });
  return {
    request: ({ host, port }, request) =>
      send({ host, port, agent, isSecure: true, clock }, request),
    upgrade: async ({ host, port }, upgrade, path) => {
      const slow = new AbortController();
      const giveUp = (): void => slow.abort(new Error(`no connection to ${host}:${port}`));
      const timer = clock.after(kubeletLimits.connectMs, giveUp);
      const dial = dialTls({ ...options, host, port });
      return proxyUpgrade(upgrade, {
        dial: (gone) =>
          dial(AbortSignal.any([gone, slow.signal])).finally(() => timer[Symbol.dispose]()),
        path,
        host: hostHeader(host, port),
      });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

export const hostHeader = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

export interface HttpTarget {
  readonly host: string;
  readonly port: number;
  readonly agent: Agent | HttpAgent;
  readonly isSecure: boolean;
  readonly clock: Clock;
}

/** One request over HTTP(S); its answer's body is a stream with back-pressure. */
export function send(
  { host, port, agent, isSecure, clock }: HttpTarget,
  { method, path, headers, body, signal }: Omit<WireRequest, "peer">,
): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    const plain: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && !name.startsWith(":")) plain[name] = value;
    }
    const start = isSecure ? httpsRequest : httpRequest;
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const all = { ...plain, ...length, host: hostHeader(host, port) };
    const request = start({ host, port, agent, method, path, headers: all, signal });
    const timer = clock.after(kubeletLimits.connectMs, () => {
      if (request.socket?.connecting !== false) request.destroy(new Error("connect timed out"));
    });
    request.once("close", () => timer[Symbol.dispose]());
    request.once("error", reject);
    request.once("response", (response) => resolve(answerOf(response)));
    request.end(body);
  });
}

/** Headers that say how one connection carries a body, not what it is. */
const hopHeaders = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "date"]);

function answerOf(response: IncomingMessage): WireResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !hopHeaders.has(name)) headers[name] = String(value);
  }
  return { status: response.statusCode ?? 502, headers, body: response };
}
