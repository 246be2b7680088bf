/**
 * Between the CRI daemon and the supervisor, the small process that owns a node's containers.
 * The daemon may be killed and restarted at will; the supervisor keeps containers, logs and exits.
 * When the supervisor itself dies, containers go on: a new one adopts them by pidfd, and an exit
 * that nobody saw is reported with `exitCode` undefined, never as success.
 */
import type { Spec } from "../../api/oci/runtime.ts";

export interface ContainerStart {
  /** 64 hex digits; unique on the node. */
  readonly id: string;
  /** OCI runtime spec 1.3; namespaces with a path are joined, those without are made. */
  readonly spec: Spec;
  /**
   * Overlay to mount as root inside the container's own mount namespace; absent: spec.root.path.
   */
  readonly overlay?: {
    readonly lower: readonly string[];
    readonly upper: string;
    readonly work: string;
  };
  readonly stdio: ContainerStdio;
}

export interface ContainerStdio {
  /** Output is written here in CRI log format; absent: discarded. */
  readonly logPath?: string;
  readonly tty: boolean;
  /** Stdin stays open for attach; otherwise it is /dev/null. */
  readonly stdin: boolean;
  /** Stdin closes when the first attached client goes. */
  readonly stdinOnce: boolean;
}

export interface Exit {
  readonly id: string;
  /** 0–255, 128 + signal when killed; undefined when nobody saw it. */
  readonly exitCode: number | undefined;
  readonly oomKilled: boolean;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

export interface RunningContainer {
  readonly id: string;
  readonly pid: number;
  readonly startedAtMs: number;
}

export interface Supervisor {
  /** Starts the first process. Rejects with the failing step: "pivot_root .: EINVAL". */
  start(request: ContainerStart): Promise<RunningContainer>;
  /** Sends a signal to the first process, or with `all` to every process of the container. */
  signal(id: string, signal: number, all: boolean): Promise<void>;
  /** Running ones, and exits not yet forgotten. */
  list(): Promise<{
    readonly running: readonly RunningContainer[];
    readonly exited: readonly Exit[];
  }>;
  /**
   * Forgets an exit and removes the container's cgroup and run files; kills it first if running.
   */
  remove(id: string): Promise<void>;
  /** Closes and reopens the log file after it was renamed (rotation). */
  reopenLog(id: string): Promise<void>;
  /** Copies of the output from now on, and a way to stdin; ends with the container. */
  attach(id: string): Promise<AttachStreams>;
  resize(id: string, size: { readonly width: number; readonly height: number }): Promise<void>;
  /** Called for each exit as it happens, and after a reconnect for each that was missed. */
  onExit(listener: (exit: Exit) => void): Disposable;
  close(): Promise<void>;
}

export interface AttachStreams {
  /** 1 is stdout (or the tty), 2 is stderr. */
  readonly output: AsyncIterable<{ readonly stream: 1 | 2; readonly data: Uint8Array }>;
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  close(): void;
}
