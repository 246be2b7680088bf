import type { Container, Pod, Service } from "../../../api/core/v1.ts";
import type { CriService } from "../../../api/cri/v1.ts";
import type { Clock } from "../../base/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { ImagePuller } from "../images/image-puller.ts";
import type { ProbeNetwork } from "../probes/probe-network.ts";
import type { Prober } from "../probes/prober.ts";
import type { NodeSettings } from "../runtime/node-settings.ts";
import type { PodCgroups } from "../runtime/pod-cgroups.ts";
import type { RuntimeCache } from "../runtime/runtime-cache.ts";
import type { PodFiles } from "../volumes/pod-files.ts";
import type { PodObjects } from "../volumes/pod-objects.ts";
import type { PodStatus } from "../../../api/core/v1.ts";

/** What every pod's worker works with: one value for the whole kubelet. */
export interface PodContext {
  readonly cri: CriService;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings: NodeSettings;
  /** The node's allocatable resources, for those who ask what they may use. */
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly runtime: RuntimeCache;
  readonly prober: Prober;
  readonly images: ImagePuller;
  readonly files: PodFiles;
  readonly cgroups: PodCgroups;
  readonly objects: PodObjects;
  readonly network: ProbeNetwork;
  readonly services: () => readonly Service[];
  readonly note: PodNote;
  /** Takes a pod's newest status; resolves when the API server has it (at once without one). */
  readonly publish: (pod: Pod, status: PodStatus) => Promise<void>;
}

/** Tells people what happened to a pod, or to one of its containers. */
export type PodNote = (
  pod: Pod,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  container?: Container,
) => void;
