import type { HostAlias } from "../../../api/core/v1.ts";

/** What a pod's /etc/hosts says. Pure. */
export interface HostsFacts {
  readonly podIPs: readonly string[];
  readonly hostname: string;
  /** The fully qualified name, where the pod has one. */
  readonly fqdn?: string;
  readonly aliases: readonly HostAlias[];
  /** On the host's network: the host's own file. */
  readonly hostFile?: string;
}

const fixed = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "fe00::0\tip6-mcastprefix",
  "fe00::1\tip6-allnodes",
  "fe00::2\tip6-allrouters",
];

export function hostsFile({ podIPs, hostname, fqdn, aliases, hostFile }: HostsFacts): string {
  const names = fqdn === undefined ? hostname : `${fqdn}\t${hostname}`;
  const head =
    hostFile === undefined
      ? ["# Kubernetes-managed hosts file.", ...fixed, ...podIPs.map((ip) => `${ip}\t${names}`)]
      : ["# Kubernetes-managed hosts file (host network).", hostFile.replace(/\n$/, "")];
  const tail = aliases.map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join("\t")}`);
  const added = tail.length === 0 ? [] : ["", "# Entries added by HostAliases.", ...tail];
  return [...head, ...added, ""].join("\n");
}
