import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { WireRequest, WireResponse } from "../base/wire.ts";

export interface Http1Target {
  readonly base: URL;
  readonly agent: Agent;
  readonly start: (options: RequestOptions) => ClientRequest;
}

/** Headers that have a value. */
export const plainHeaders = (
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string> => {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) plain[name] = value;
  return plain;
};

/** One request over HTTP/1.1; resolves with the head of the answer, its body is a stream. */
export function sendHttp1(
  { base, agent, start }: Http1Target,
  { method, path, headers, body, signal }: Omit<WireRequest, "peer">,
): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    const request = start({
      method,
      path,
      host: base.hostname.replace(/^\[|\]$/g, ""),
      port: base.port,
      agent,
      headers: { ...plainHeaders(headers), host: base.host, ...length },
    });
    const cancel = (): void => void request.destroy(signal.reason as Error);
    signal.addEventListener("abort", cancel, { once: true });
    request.once("close", () => signal.removeEventListener("abort", cancel));
    request.once("error", reject);
    request.once("response", (response) => resolve(responseOf(response, signal)));
    request.end(body);
  });
}

function responseOf(response: IncomingMessage, signal: AbortSignal): WireResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers))
    if (value !== undefined) headers[name] = String(value);
  return { status: response.statusCode ?? 0, headers, body: bodyOf(response, signal) };
}

/** The pieces of a body. Ended by its signal, it rejects with the signal's reason. */
export async function* bodyOf(
  stream: AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of stream) yield piece as Uint8Array;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
  // A cancelled HTTP/2 stream ends like a complete one: only the signal can tell.
  signal.throwIfAborted();
}
