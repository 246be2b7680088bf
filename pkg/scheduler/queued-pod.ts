import type { Pod } from "../../api/core/v1.ts";
import { podDemand, type PodDemand } from "./pod-demand.ts";

/** A pod with what plugins ask of it again and again, computed once. */
export interface QueuedPod {
  readonly pod: Pod;
  readonly demand: PodDemand;
  readonly priority: number;
  /** When it was first seen, milliseconds since the epoch. */
  readonly queuedAtMs: number;
}

export const queuedPod = (pod: Pod, queuedAtMs: number): QueuedPod => ({
  pod,
  demand: podDemand(pod),
  priority: pod.spec?.priority ?? 0,
  queuedAtMs,
});
