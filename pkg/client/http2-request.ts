import { constants, type ClientHttp2Session } from "node:http2";
import type { WireRequest, WireResponse } from "../base/wire.ts";
import { bodyOf, plainHeaders } from "./http1-request.ts";

/**
 * One request on a session; resolves with the head of the answer, its body is a stream. `done` is
 * called when the request is over, whichever way.
 */
export function sendHttp2(
  session: ClientHttp2Session,
  base: URL,
  { method, path, headers, body, signal }: Omit<WireRequest, "peer">,
  done: () => void,
): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    const head = {
      ...plainHeaders(headers),
      ":method": method,
      ":path": path,
      ":authority": base.host,
    };
    // Said, not left to the default: Node takes DELETE for a request without a body.
    const stream = session.request(head, { endStream: body === undefined });
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener("abort", cancel, { once: true });
    stream.once("close", () => {
      done();
      signal.removeEventListener("abort", cancel);
      reject(new Error("the connection was closed before an answer came"));
    });
    stream.once("error", reject);
    stream.once("response", (head) => {
      const status = Number(head[":status"]);
      const answered: Record<string, string> = {};
      for (const [name, value] of Object.entries(head))
        if (!name.startsWith(":") && value !== undefined) answered[name] = String(value);
      resolve({ status, headers: answered, body: bodyOf(stream, signal) });
    });
    if (body !== undefined) stream.end(body);
  });
}
