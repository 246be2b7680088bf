/** What of a client's request a proxy passes on: pure. */
import { BlockList, isIP } from "node:net";
import type { ProxyTarget } from "../connect-contract.ts";

/** Who the client is, is our business; how its connection carries a body, the connection's. */
const ownHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "host",
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
]);
const ownPrefixes = /^(:|impersonate-|x-remote-|proxy-)/;

type Headers = Readonly<Record<string, string | undefined>>;

export const withoutCredentials = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ownHeaders.has(name) && !ownPrefixes.test(name)),
  );

/** The path behind /proxy, "/" at least, with the query as it came. */
export const proxyPath = ({ rest, query }: Pick<ProxyTarget, "rest" | "query">): string =>
  `${rest === "" ? "/" : rest}${query.size === 0 ? "" : `?${query.toString()}`}`;

/** Loopback and link-local addresses are of the machine that asks, not of a node. */
const ownAddresses = new BlockList();
for (const [address, prefix, family] of [
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["224.0.0.0", 4, "ipv4"],
  ["0.0.0.0", 8, "ipv4"],
  ["::1", 128, "ipv6"],
  ["::", 128, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
] as const) {
  ownAddresses.addSubnet(address, prefix, family);
}

/**
 * Whether a proxy may be sent there: a node or pod that claims our own loopback may not have it.
 */
export function isProxyableHost(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host !== "localhost" && !host.endsWith(".localhost");
  return !ownAddresses.check(host, family === 4 ? "ipv4" : "ipv6");
}
