import { connect } from "node:net";
import { pipeline } from "node:stream/promises";
import type { UpgradeRequest } from "../../serving/server-contract.ts";

/** Headers that belong to one connection, or to the caller's standing with the kubelet. */
const ownHeaders: ReadonlySet<string> = new Set(["host", "authorization", "content-length"]);

/**
 * Repeats an upgrade request at the runtime's streaming server, on this machine's loopback, and
 * joins the two connections until one of them ends. Rejects when that server cannot be reached.
 */
export async function joinStreams(request: UpgradeRequest, url: string): Promise<void> {
  const { hostname, port, pathname, search, host } = new URL(url);
  const upstream = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) });
  await new Promise<void>((resolve, reject) => {
    upstream.once("connect", resolve);
    upstream.once("error", reject);
  });
  const headers = Object.entries(request.headers)
    .filter(([name, value]) => value !== undefined && !ownHeaders.has(name))
    .map(([name, value]) => `${name}: ${value ?? ""}`);
  const head = [`${request.method} ${pathname}${search} HTTP/1.1`, `host: ${host}`, ...headers];
  upstream.setNoDelay(true);
  upstream.write(`${head.join("\r\n")}\r\n\r\n`);
  if (request.head.length > 0) upstream.write(request.head);
  // Either end going is the usual end of such a connection, and no failure.
  await Promise.allSettled([
    pipeline(request.socket, upstream),
    pipeline(upstream, request.socket),
  ]);
  request.socket.destroy();
  upstream.destroy();
}
