/** Gives pod sandboxes their network: the built-in bridge network, or a CNI plugin chain. */
export interface PodNetwork {
  /** Attaches the network namespace at `netns`; idempotent for the same sandbox. */
  attach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<Attachment>;
  /** Detaches and frees the addresses; succeeds when there is nothing to detach. */
  detach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<void>;
  /** Throws with what is missing when pods cannot be attached. */
  check(): Promise<void>;
}

export interface NetworkSandbox {
  readonly id: string;
  /** A file that names the namespace: /run/tskube/netns/<id> */
  readonly netns: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly podUid: string;
  readonly hostPorts: readonly HostPort[];
}

export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp: string;
}

export interface Attachment {
  /** Textual addresses, the primary one first. */
  readonly ips: readonly string[];
}
