import { readFile } from "node:fs/promises";
import { runDnsServer } from "../../pkg/dns/dns-server.ts";
import { createForwarder, parseNameServers } from "../../pkg/dns/forwarder.ts";
import type { ApiAccess } from "./api-access.ts";

export interface NamingOptions {
  /** "cluster.local" */
  readonly zone: string;
  /** Where to answer. */
  readonly addresses: readonly string[];
  /** 53, but for tests. */
  readonly port?: number;
  /** Whose name servers answer everything else: /etc/resolv.conf */
  readonly resolvConf?: string;
}

/** Cluster DNS until the signal aborts. */
export async function runNaming(
  access: ApiAccess,
  options: NamingOptions,
  signal: AbortSignal,
): Promise<void> {
  const { zone, addresses, port = 53, resolvConf = "/etc/resolv.conf" } = options;
  const known = parseNameServers(await readFile(resolvConf, "utf8").catch(() => ""));
  // Asking ourselves would go round for ever.
  const servers = known.filter((server) => !addresses.includes(server));
  using forwarder = createForwarder({ ...access, servers });
  await runDnsServer({ ...access, forwarder, zone, addresses, port }, signal);
}
