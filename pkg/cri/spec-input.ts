import type { ContainerConfig, PodSandboxConfig } from "../../api/cri/v1.ts";
import type { Seccomp } from "../../api/oci/runtime.ts";
import type { ImageConfig } from "../images/manifest.ts";
import type { ContainerUser } from "../images/user-lookup.ts";

/** All that a container's OCI spec is planned from. */
export interface SpecInput {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly sandbox: PodSandboxConfig;
  readonly image: ImageConfig;
  readonly user: ContainerUser;
  readonly paths: SpecPaths;
  readonly host: SpecHost;
  /** Of the profile that the configuration names; absent: unconfined. */
  readonly seccomp?: Seccomp;
  /** Nodes of devices, as they were found on the host. */
  readonly devices: readonly HostDevice[];
  /** Sources of mounts that are images, by container path. */
  readonly imageMounts: Readonly<Record<string, string>>;
}

/** Files of the sandbox. */
export interface SpecPaths {
  readonly hosts: string;
  readonly resolvConf: string;
  readonly hostname: string;
  /** A tmpfs, or the host's. */
  readonly shm: string;
  /** Namespace files; absent: the host's. */
  readonly network?: string;
  readonly ipc?: string;
  readonly uts?: string;
  readonly user?: string;
  /** Absent: a new one, or the host's. */
  readonly pid?: string;
}

export interface SpecHost {
  readonly cgroup: "v1" | "hybrid" | "v2";
  readonly hostname: string;
  /** Overlay's layers can be shifted by an idmapped mount (Linux 5.19). */
  readonly userNamespaces: boolean;
  /** Capabilities of a privileged container. */
  readonly allCapabilities: readonly string[];
}

export interface HostDevice {
  /** Inside the container. */
  readonly path: string;
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
  /** Letters of rwm. */
  readonly access: string;
}
