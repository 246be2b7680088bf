import type { PodStatus } from "../../../api/core/v1.ts";
import type { StatusFacts } from "./container-status.ts";

/** What a pod's status is made of. */
export interface PodStatusFacts extends StatusFacts {
  readonly nodeIPs: readonly string[];
  /** What was said last: conditions keep their times, a start time stays. */
  readonly before: PodStatus | undefined;
  readonly startMs: number;
  /** Why the node ended the pod: Evicted, DeadlineExceeded, OutOfcpu … */
  readonly failure?: { readonly reason: string; readonly message: string };
  /** Nothing runs, and nothing will. */
  readonly isOver: boolean;
}
