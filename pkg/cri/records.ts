import type { ContainerConfig, PodSandboxConfig } from "../../api/cri/v1.ts";
import type { Spec } from "../../api/oci/runtime.ts";

/**
 * A pod's sandbox, as it is written down. What can be derived from the configuration is not kept.
 */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  readonly createdAtMs: number;
  /** Its namespaces and network are there. */
  readonly isReady: boolean;
  /** The primary one first; empty on the host's network. */
  readonly ips: readonly string[];
  /** First process of the pod's shared pid namespace, where it has one. */
  readonly pidNamespace?: string;
}

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  /** The image's name as it was when the container was made: docker.io/library/nginx:latest */
  readonly imageName: string;
  /** Digest of the image's configuration. */
  readonly imageId: string;
  /** repository@digest where the image came from a registry, else its id. */
  readonly imageRef: string;
  readonly user: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
  };
  /** A signal's number. */
  readonly stopSignal: number;
  /** Empty: output is discarded. */
  readonly logPath: string;
  readonly spec: Spec;
  readonly createdAtMs: number;
  readonly life: ContainerLife;
}

/** Where a container is in its life; each transition is written down before it is reported. */
export type ContainerLife =
  | { readonly at: "created" }
  | { readonly at: "running"; readonly pid: number; readonly startedAtMs: number }
  | ContainerEnd;

export interface ContainerEnd {
  readonly at: "exited";
  /** 0 when it never ran. */
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** 0–255; 255 when nobody saw it. */
  readonly exitCode: number;
  /** Completed, Error, OOMKilled, StartError, Unknown. */
  readonly reason: string;
  readonly message: string;
}
