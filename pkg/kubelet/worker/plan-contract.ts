/** What a plan for one pod rests on (`PlanInput`), and what comes of it (`PodPlan`). */
import type { Pod } from "../../../api/core/v1.ts";
import type { SpecContainer } from "../pods/pod-spec.ts";
import type { ProbeKind, ProbeResult } from "../probes/probe-state.ts";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import type { BackOff } from "./back-off.ts";

export type PodAction =
  | { readonly do: "create-sandbox"; readonly attempt: number }
  | { readonly do: "stop-sandbox"; readonly sandboxId: string }
  | {
      readonly do: "start";
      readonly container: SpecContainer;
      readonly restartCount: number;
      /** The container that this one replaces. */
      readonly replaces?: RuntimeContainer;
    }
  | {
      readonly do: "kill";
      readonly container: RuntimeContainer;
      readonly graceSeconds: number;
      /** Told in the Killing event: "Stopping container web". */
      readonly message: string;
      /** Killed so that it starts again, whatever the restart policy says of its exit. */
      readonly restart: boolean;
    };

/** A container that may not be started yet. */
export interface HeldBack {
  readonly name: string;
  readonly untilMs: number;
  readonly delayMs: number;
}

export interface PodPlan {
  /** Starts are done one after the other, in this order; all else at once. */
  readonly actions: readonly PodAction[];
  readonly heldBack: readonly HeldBack[];
  /** Nothing runs, nothing will: by the restart policy, or because the pod was stopped. */
  readonly isOver: boolean;
}

export interface Stopping {
  /** When the pod began to stop. */
  readonly sinceMs: number;
  readonly graceSeconds: number;
}

export interface PlanInput {
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly nowMs: number;
  /** By container name. */
  readonly backOffs: ReadonlyMap<string, BackOff>;
  /** Undefined: the container has no such probe. */
  readonly probe: (container: RuntimeContainer, kind: ProbeKind) => ProbeResult | undefined;
  /** Ids of containers that were killed in order to be started again. */
  readonly restarting: ReadonlySet<string>;
  /** Absent: the pod is wanted. */
  readonly stopping?: Stopping;
}
