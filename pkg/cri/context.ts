import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Images } from "../images/images.ts";
import type { Kernel } from "../linux/kernel.ts";
import type { CgroupHost } from "../linux/cgroup-host.ts";
import type { ExecRequest, ExecSession } from "../oci/exec-contract.ts";
import type { PodNetwork } from "../podnetwork/pod-network.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { HostFiles } from "./sandbox-files-plan.ts";
import type { SpecHost } from "./spec-input.ts";
import type { Supervisor } from "./supervisor-contract.ts";

export interface CriPaths {
  /** Records, across restarts of the machine: /var/lib/tskube/cri */
  readonly state: string;
  /** Namespaces, mounts, sockets, until the machine is restarted: /run/tskube */
  readonly run: string;
}

/** Starts one more process in a running container; rejects with the failing step. */
export type ExecDoor = (request: ExecRequest) => ExecSession | Promise<ExecSession>;

/** The doors of the CRI daemon, wired in cmd/tskube-cri/main.ts. */
export interface CriContext {
  readonly supervisor: Supervisor;
  readonly exec: ExecDoor;
  readonly images: Images;
  readonly network: PodNetwork;
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly paths: CriPaths;
  readonly host: SpecHost;
  readonly cgroups: CgroupHost;
  readonly hostFiles: () => Promise<HostFiles>;
}
