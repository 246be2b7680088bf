/**
 * Runs one more process inside a running container. It is a child of the caller (the CRI daemon),
 * so its bytes cross no further process. Its namespaces, cgroup, capabilities, seccomp and
 * no_new_privs are those of the container's own first process.
 */
import type { Process, Spec } from "../../api/oci/runtime.ts";

export interface ExecRequest {
  /** Pid of the container's first process, in our pid namespace. */
  readonly pid: number;
  /** The container's spec: its namespaces, cgroup path, seccomp. */
  readonly spec: Spec;
  readonly process: Process;
  readonly stdin: boolean;
}

export interface ExecSession {
  readonly pid: number;
  /** 1 is stdout (or the tty), 2 is stderr; ends when all writers have closed. */
  readonly output: AsyncIterable<{ readonly stream: 1 | 2; readonly data: Uint8Array }>;
  /** Resolves when the kernel took the bytes (back-pressure). */
  write(data: Uint8Array): Promise<void>;
  closeStdin(): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  signal(signal: number): void;
  /** 0–255; 128 + signal when killed. */
  readonly exitCode: Promise<number>;
  /** Kills the process if it still runs and frees the descriptors. */
  [Symbol.dispose](): void;
}
