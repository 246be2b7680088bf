/** What the node's administrator decided for every pod on it. */
export interface NodeSettings {
  readonly nodeName: string;
  /** Addresses of the node; the first is its primary one. Pods on the host's network have them. */
  readonly nodeIPs: readonly string[];
  readonly hostname: string;
  /** Bytes of memory of the machine: a container's share of it sets its OOM score. */
  readonly memoryBytes: number;
  readonly cpuMillis: number;
  /** Name servers that pods with dnsPolicy ClusterFirst use; none: those of the host. */
  readonly clusterDns: readonly string[];
  /** "cluster.local" */
  readonly clusterDomain: string;
  /** The host's resolv.conf, parsed. */
  readonly hostDns: {
    readonly servers: readonly string[];
    readonly searches: readonly string[];
    readonly options: readonly string[];
  };
  /** "" or "/some/parent": the cgroup in which kubepods is. */
  readonly cgroupRoot: string;
  /** /var/log/pods */
  readonly podLogsPath: string;
  /** Where `localhost` seccomp profiles are: /var/lib/tskube/kubelet/seccomp */
  readonly seccompPath: string;
  readonly podPidsMax?: number;
}
