import type { ServerResponse } from "node:http";
import { isStream, type WireResponse } from "../base/wire.ts";
import { drained } from "../streams/drained.ts";

/**
 * Writes an answer to a response of http/1.1 or h2. One write for each piece of a stream, with
 * back-pressure. Rejects when the stream itself fails: the head is gone by then.
 */
export async function sendResponse(raw: ServerResponse, response: WireResponse): Promise<void> {
  const { status, body } = response;
  if (isStream(body)) return sendStream(raw, response, body);
  const pieces = body instanceof Uint8Array ? [body] : body;
  let length = 0;
  for (const piece of pieces) length += piece.length;
  raw.writeHead(status, headList(response, status === 204 || status === 304 ? undefined : length));
  if (pieces.length > 1) {
    raw.cork();
    for (const piece of pieces) raw.write(piece);
    raw.end();
    raw.uncork();
  } else raw.end(pieces[0]);
}

/** Names and values in turn: the one form that Node writes without sorting them into an object. */
function headList({ headers }: WireResponse, length: number | undefined): string[] {
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] ?? "");
  if (length !== undefined) list.push("content-length", String(length));
  return list;
}

async function sendStream(
  raw: ServerResponse,
  response: WireResponse,
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  raw.writeHead(response.status, headList(response, undefined));
  // A watch may be silent for minutes, and its client waits for the head.
  raw.flushHeaders();
  // A source that waits ends by the request's signal, which aborts when the client goes away.
  for await (const piece of pieces) {
    if (!raw.writable) return;
    if (!raw.write(piece)) await drained(raw);
  }
  raw.end();
}
