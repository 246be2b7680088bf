/**
 * Streams of exec and attach, whatever carries them: WebSocket (v5.channel.k8s.io,
 * v4.channel.k8s.io) or SPDY/3.1 (v4.portforward…, v4.channel.k8s.io streams with their
 * `streamType` headers). `accept-streams.ts` makes a RemoteStreams of an HTTP upgrade.
 */
export interface RemoteStreams {
  /** Bytes from the client's stdin; ends when the client closes it. Empty when not asked for. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Terminal sizes as the client reports them; only with a tty. */
  readonly resizes: AsyncIterable<{ readonly width: number; readonly height: number }>;
  /** Resolve when the socket took the bytes (back-pressure). */
  writeStdout(data: Uint8Array): Promise<void>;
  writeStderr(data: Uint8Array): Promise<void>;
  /** Sends the outcome on the error stream and ends the connection: exit code 0 is "Success". */
  finish(outcome: StreamOutcome): Promise<void>;
  /** Aborts when the client has gone. */
  readonly closed: AbortSignal;
}

export type StreamOutcome =
  | { readonly exitCode: number }
  /** The command could not be run at all. */
  | { readonly failure: string };

export interface StreamRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * Port-forward: each connection that the client accepts on its side comes as one of these.
 * `accept-port-forward.ts` makes them of an HTTP upgrade (SPDY/3.1, or SPDY inside a WebSocket).
 */
export interface ForwardedConnection {
  /** The port in the pod. */
  readonly port: number;
  /** What the client's side sends; ends when it half-closes. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when the socket took the bytes. */
  write(data: Uint8Array): Promise<void>;
  /** Ends it; with the reason, which the client shows, when it could not be served. */
  end(failure?: string): Promise<void>;
}

export interface PortForwards {
  readonly connections: AsyncIterable<ForwardedConnection>;
  /** Aborts when the client has gone. */
  readonly closed: AbortSignal;
  close(): void;
}
