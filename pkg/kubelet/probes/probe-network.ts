/** The door through which probes and hooks reach containers from the node. */
export interface HttpProbeRequest {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** Names as given; a Host header replaces the usual one. */
  readonly headers: readonly (readonly [string, string])[];
  readonly timeoutMs: number;
}

export type ReachOutcome =
  | { readonly got: "answer"; readonly status: number; readonly body: string }
  /** Nothing listens there (yet): the other side saw nothing of the attempt. */
  | { readonly got: "refused"; readonly message: string }
  | { readonly got: "error"; readonly message: string };

export interface ProbeNetwork {
  /** Certificates are not verified: the address is the pod's own. */
  http(request: HttpProbeRequest): Promise<ReachOutcome>;
  /** Connects and closes; status is 0. */
  tcp(host: string, port: number, timeoutMs: number): Promise<ReachOutcome>;
  /** grpc.health.v1.Health/Check; the answer's status is the ServingStatus. */
  grpc(host: string, port: number, service: string, timeoutMs: number): Promise<ReachOutcome>;
}
