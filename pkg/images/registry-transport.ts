import http from "node:http";
import https from "node:https";

export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM; replaces the system's authorities. */
  readonly authority?: string;
  readonly signal?: AbortSignal;
}

export interface RegistryResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Must be read to its end, or left by `return`. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** The door to registries. Follows no redirect; rejects when there is no answer. */
export type RegistryTransport = (request: RegistryRequest) => Promise<RegistryResponse>;

/** A registry that sends nothing for so long is taken for dead. */
const idleMsMax = 60_000;

/** HTTP/1.1 over Node's own sockets, kept alive between requests. */
export function createRegistryTransport(): RegistryTransport & Disposable {
  const plain = new http.Agent({ keepAlive: true });
  const secure = new https.Agent({ keepAlive: true });
  const send = async (request: RegistryRequest): Promise<RegistryResponse> =>
    await new Promise((resolve, reject) => {
      const options: https.RequestOptions = {
        method: request.method,
        headers: request.headers,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
        ...(request.authority === undefined ? {} : { ca: request.authority }),
      };
      const take = (message: http.IncomingMessage): void => {
        const headers = Object.entries(message.headers).map(
          ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value] as const,
        );
        resolve({
          status: message.statusCode ?? 0,
          headers: Object.fromEntries(headers),
          body: message,
        });
      };
      const outgoing =
        request.url.protocol === "http:"
          ? http.request(request.url, { ...options, agent: plain }, take)
          : https.request(request.url, { ...options, agent: secure }, take);
      outgoing.setTimeout(idleMsMax, () =>
        outgoing.destroy(new Error(`no bytes from ${request.url.host} for ${idleMsMax} ms`)),
      );
      outgoing.on("error", (cause) =>
        reject(new Error(`${request.method} ${request.url.host}`, { cause })),
      );
      outgoing.end(request.body);
    });
  return Object.assign(send, {
    [Symbol.dispose]: (): void => {
      plain.destroy();
      secure.destroy();
    },
  });
}

export async function readBody(
  body: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > bytesMax) throw new Error(`answer is longer than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
