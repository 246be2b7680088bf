import type { QueuedPod } from "./queued-pod.ts";

/** A pod of the queue, and how it has fared so far. */
export interface QueueEntry {
  pod: QueuedPod;
  attempts: number;
  /** Plugins that refused it last. */
  refusedBy: ReadonlySet<string>;
  state: "active" | "in-cycle" | "backing-off" | "waiting" | "gone";
  /** Counts up: who of equals became active first. */
  arrival: number;
  /** Set when an event came while it was being decided: what it was refused for may be over. */
  moved: boolean;
  /** When the last attempt ended, by the monotonic clock. */
  triedAtMs: number;
  timer?: Disposable;
}
