/** The files that all containers of a pod see. Pure. */
import type { DNSConfig } from "../../api/cri/v1.ts";

export interface HostFiles {
  readonly hosts: string;
  readonly resolvConf: string;
}

/** /etc/hosts; the kubelet mounts one of its own over it, other clients rely on this one. */
export function planHosts(
  pod: {
    readonly hostname: string;
    readonly ips: readonly string[];
    readonly isHostNetwork: boolean;
  },
  host: Pick<HostFiles, "hosts">,
): string {
  if (pod.isHostNetwork) return host.hosts;
  const own = pod.ips.map((ip) => `${ip}\t${pod.hostname}\n`);
  return [
    "127.0.0.1\tlocalhost\n",
    "::1\tlocalhost ip6-localhost ip6-loopback\n",
    "fe00::0\tip6-localnet\n",
    "ff02::1\tip6-allnodes\n",
    "ff02::2\tip6-allrouters\n",
    ...own,
  ].join("");
}

/** resolv.conf(5); the host's own where the pod asks for nothing. */
export function planResolvConf(
  dns: DNSConfig | undefined,
  host: Pick<HostFiles, "resolvConf">,
): string {
  const { servers = [], searches = [], options = [] } = dns ?? {};
  if (servers.length + searches.length + options.length === 0) return host.resolvConf;
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}\n`]),
    ...servers.map((server) => `nameserver ${server}\n`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}\n`]),
  ].join("");
}
