import type { Transport, WireBody } from "../base/wire.ts";
import { isStream } from "../base/wire.ts";
import { bodyBytes } from "../client/connect.ts";
import { errorOfResponse } from "../client/status-response.ts";

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly accept?: string;
  readonly contentType?: string;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  /** In place of an object: sent as it is. */
  readonly text?: string;
}

/** The API server, as a command sees it: objects in and out. Throws StatusError on refusals. */
export interface Api {
  send<T>(request: ApiRequest, signal?: AbortSignal): Promise<T>;
  /** The body as it comes: logs, watches. */
  stream(request: ApiRequest, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** What the server wanted people to know (Warning headers), since the last call. */
  takeWarnings(): readonly string[];
}

async function* pieces(body: WireBody): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) yield body;
  else if (isStream(body)) yield* body;
  else yield* body;
}

/** `299 - "text"`, possibly several behind one another (RFC 9111, 5.5 in its older form). */
const warningTexts = (header: string | undefined): readonly string[] =>
  [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replace(/\\(.)/g, "$1"),
  );

export function createApi(transport: Transport, userAgent: string, life: AbortSignal): Api {
  const warnings: string[] = [];
  const exchange = async (request: ApiRequest, signal: AbortSignal = life) => {
    const { method, path, accept = "application/json", contentType = "application/json" } = request;
    const headers: Record<string, string> = { accept, "user-agent": userAgent };
    const text =
      request.text ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
    if (text !== undefined) headers["content-type"] = contentType;
    const body = text === undefined ? {} : { body: new TextEncoder().encode(text) };
    const response = await transport({ method, path, headers, ...body, signal });
    warnings.push(...warningTexts(response.headers["warning"]));
    if (response.status < 200 || response.status > 299) {
      throw errorOfResponse(response.status, await bodyBytes(response.body));
    }
    return response;
  };
  return {
    send: async <T>(request: ApiRequest, signal?: AbortSignal) => {
      const bytes = await bodyBytes((await exchange(request, signal)).body);
      return JSON.parse(new TextDecoder().decode(bytes)) as T;
    },
    stream: async (request, signal) => pieces((await exchange(request, signal)).body),
    takeWarnings: () => warnings.splice(0),
  };
}
