import { STATUS_CODES } from "node:http";
import { isStream, type WireResponse } from "../base/wire.ts";
import type { UpgradeRequest } from "./server-contract.ts";
import { statusAnswer } from "./status-answer.ts";

/** Answers an upgrade with an error's Status and ends the connection. */
export function refuseUpgrade(
  upgrade: Pick<UpgradeRequest, "socket">,
  error: unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  const answer = statusAnswer(error);
  answerUpgrade(upgrade, { ...answer, headers: { ...answer.headers, ...more } });
}

/**
 * Answers an upgrade that does not come about, and ends the connection: its socket is still plain
 * HTTP. A body that is a stream is left out; refusals have none.
 */
export function answerUpgrade(
  { socket }: Pick<UpgradeRequest, "socket">,
  { status, headers, body }: WireResponse,
): void {
  if (!socket.writable) return;
  const pieces = body instanceof Uint8Array ? [body] : isStream(body) ? [] : body;
  const content = Buffer.concat(pieces);
  const lines = Object.entries({
    ...headers,
    "content-length": String(content.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`);
  socket.end(content);
}
