import { STATUS_CODES } from "node:http";
import type { UpgradeRequest } from "./server-contract.ts";
import { statusAnswer } from "./status-answer.ts";

/** Answers an upgrade with an error's Status and ends the connection. */
export function refuseUpgrade(
  { socket }: Pick<UpgradeRequest, "socket">,
  error: unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  if (!socket.writable) return;
  const { status, headers, body } = statusAnswer(error);
  // statusAnswer's body is one buffer.
  const content = body as Uint8Array;
  const head = Object.entries({
    ...headers,
    ...more,
    "content-length": String(content.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${head.join("")}\r\n`);
  socket.end(content);
}
