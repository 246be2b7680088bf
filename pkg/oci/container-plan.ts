import type { Spec } from "../../api/oci/runtime.ts";
import type { Syscall } from "../linux/syscall.ts";

/** What a container's tape is planned from. All of it is data; the plan looks nothing up. */
export interface ContainerPlan {
  readonly spec: Spec;
  /** Mounted as root by the tape itself; absent: `spec.root.path`, absolute. */
  readonly overlay?: Overlay;
  readonly stdio: StdioPlan;
  readonly host: HostFacts;
  /** Files into which "0" is written to enter the cgroup. */
  readonly cgroupJoin: readonly string[];
}

export interface Overlay {
  /** The uppermost first. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/** A pipe or FIFO that is made for one process becomes its user's. */
export interface GivenStdio {
  /**
   * Which of the descriptors are such: what opens /dev/stdout again has to be allowed to. Never one
   * of the host's own files.
   */
  readonly given?: readonly (0 | 1 | 2)[];
}

/** Where descriptors 0, 1 and 2 come from. */
export type StdioPlan =
  /** Paths; FIFOs are opened for both directions where `hold` says so. */
  | ({
      readonly as: "files";
      readonly stdin: OpenFile;
      readonly stdout: OpenFile;
      readonly stderr: OpenFile;
    } & GivenStdio)
  /** Descriptors of the parent. */
  | ({
      readonly as: "descriptors";
      readonly stdin: number;
      readonly stdout: number;
      readonly stderr: number;
    } & GivenStdio)
  /** A new terminal of the container's devpts; its master is sent over this socket. */
  | {
      readonly as: "terminal";
      readonly socket: number;
      readonly height: number;
      readonly width: number;
    };

export interface OpenFile {
  readonly path: string;
  readonly access: "O_RDONLY" | "O_WRONLY" | "O_RDWR";
}

/** What the plan must know of the machine. */
export interface HostFacts {
  readonly architecture: "x64" | "arm64";
  /** Capabilities that we hold: none beyond them can be given. */
  readonly capabilities: bigint;
  /** Highest capability number of this kernel. */
  readonly lastCapability: number;
  /** Sources of bind mounts that are no folders. */
  readonly files: ReadonlySet<string>;
  /** fsconfig(2) takes overlay's layers one by one ("lowerdir+", Linux 6.5). */
  readonly overlayLayersOneByOne: boolean;
  readonly cgroup: CgroupFacts;
}

/** How the container sees cgroups: hierarchies for a v1 view, or v2. */
export interface CgroupFacts {
  readonly style: "v1" | "hybrid" | "v2";
  readonly hierarchies: readonly {
    readonly mount: string;
    readonly controllers: readonly string[];
  }[];
}

export const hasNamespace = (spec: Spec, type: string): boolean =>
  spec.linux?.namespaces?.some((namespace) => namespace.type === type) ?? false;

/** A namespace of its own, as against a joined one. */
export const makesNamespace = (spec: Spec, type: string): boolean =>
  spec.linux?.namespaces?.some((one) => one.type === type && one.path === undefined) ?? false;

/** open(2) in today's spelling, for paths of ours. */
export const openStep = (
  path: string,
  flags: readonly ("O_RDONLY" | "O_WRONLY" | "O_RDWR" | "O_CLOEXEC" | "O_NOCTTY")[],
  as: string,
  because: string,
): Syscall => ({ call: "openat", args: [["AT_FDCWD"], path, flags], because, as });
