import type { Clock } from "../base/clock.ts";
import { ActivePods } from "./active-pods.ts";
import { differs } from "./cluster-event.ts";
import type { Plugin } from "./framework.ts";
import type { ClusterEvent } from "./cluster-event.ts";
import type { QueuedPod } from "./queued-pod.ts";
import type { QueueEntry } from "./queue-entry.ts";
import { WaitingPods } from "./waiting-pods.ts";

const backoffFirstMs = 1_000;
const backoffMaxMs = 10_000;
/** Even without an event, a pod that did not fit is tried again after this (upstream's value). */
const leftoverRetryMs = 300_000;

const keyOf = ({ pod }: QueuedPod): string => pod.metadata?.uid ?? "";

/** What a user may change of a pod that waits, and what plugins read of it. */
const isChanged = (before: QueuedPod, { pod }: QueuedPod): boolean =>
  before.pod.metadata?.generation !== pod.metadata?.generation ||
  differs(before.pod.metadata?.labels, pod.metadata?.labels) ||
  differs(before.pod.spec?.tolerations, pod.spec?.tolerations);

/**
 * Pods that wait for a node: active ones in the order of the profile; those that failed back off,
 * or wait until an event could help one of the plugins that refused them.
 */
export class SchedulingQueue {
  readonly #entries = new Map<string, QueueEntry>();
  readonly #active: ActivePods;
  readonly #waiting: WaitingPods;
  readonly #inCycle = new Set<QueueEntry>();
  readonly #clock: Clock;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, plugins: readonly Plugin[]) {
    this.#clock = clock;
    const sort = plugins.find((plugin) => plugin.queueSort !== undefined)?.queueSort;
    this.#active = new ActivePods(sort ?? (() => 0));
    this.#waiting = new WaitingPods(plugins);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A new pod, or a new version of a known one, which starts afresh when it was waiting. */
  add(pod: QueuedPod): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry === undefined) {
      const fresh: QueueEntry = {
        pod,
        attempts: 0,
        refusedBy: new Set(),
        state: "backing-off",
        arrival: 0,
        moved: false,
        triedAtMs: 0,
      };
      this.#entries.set(keyOf(pod), fresh);
      return this.#activate(fresh);
    }
    this.#renew(entry, pod);
  }

  /** A new version of a pod, if it is known here. */
  update(pod: QueuedPod): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry !== undefined) this.#renew(entry, pod);
  }

  #renew(entry: QueueEntry, pod: QueuedPod): void {
    const changed = isChanged(entry.pod, pod);
    entry.pod = { ...pod, queuedAtMs: entry.pod.queuedAtMs };
    if (!changed) return;
    if (entry.state === "waiting") this.#activate(entry);
    else entry.moved = true;
  }

  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#leave(entry);
    entry.state = "gone";
  }

  /** The next pod to decide; waits for one. Undefined once the queue is closed. */
  async pop(): Promise<QueuedPod | undefined> {
    while (!this.#closed) {
      const next = this.popNow();
      if (next !== undefined) return next;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
  }

  /** The next pod to decide, if there is one now. */
  popNow(): QueuedPod | undefined {
    if (this.#closed) return undefined;
    const entry = this.#active.pop();
    if (entry === undefined) return undefined;
    entry.state = "in-cycle";
    entry.moved = false;
    entry.attempts++;
    this.#inCycle.add(entry);
    return entry.pod;
  }

  /** Ends all waiting: `pop` answers undefined from now on. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.timer?.[Symbol.dispose]();
    this.#wake?.();
  }

  /**
   * The pod did not fit: it waits for an event that helps, or backs off if one has come already.
   */
  refused(pod: QueuedPod, by: ReadonlySet<string>): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry === undefined) return;
    entry.triedAtMs = this.#clock.monotonic();
    if (entry.moved) return this.#backOff(entry);
    this.#leave(entry);
    entry.refusedBy = by;
    entry.state = "waiting";
    this.#waiting.add(entry);
    entry.timer = this.#clock.after(leftoverRetryMs, () => this.#activate(entry));
  }

  /** The attempt failed for a reason outside (the API server refused, say): try again later. */
  failed(pod: QueuedPod): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry === undefined) return;
    entry.triedAtMs = this.#clock.monotonic();
    this.#backOff(entry);
  }

  /** The place that the pod was waiting for is no longer its own: it looks again, now. */
  retry(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry?.state === "waiting" || entry?.state === "backing-off") this.#activate(entry);
  }

  /** Wakes the pods that this event may help, after what is left of their back-off. */
  wake(event: ClusterEvent): void {
    for (const entry of this.#inCycle) entry.moved = true;
    for (const entry of this.#waiting.helpedBy(event)) this.#backOff(entry);
  }

  #backOff(entry: QueueEntry): void {
    this.#leave(entry);
    entry.state = "backing-off";
    const pauseMs = Math.min(backoffFirstMs * 2 ** (entry.attempts - 1), backoffMaxMs);
    const leftMs = entry.triedAtMs + pauseMs - this.#clock.monotonic();
    if (leftMs <= 0) return this.#activate(entry);
    entry.timer = this.#clock.after(leftMs, () => this.#activate(entry));
  }

  #activate(entry: QueueEntry): void {
    this.#leave(entry);
    entry.state = "active";
    this.#active.push(entry);
    this.#wake?.();
  }

  /** Out of where its state keeps it. An active one is passed over when its turn comes. */
  #leave(entry: QueueEntry): void {
    entry.timer?.[Symbol.dispose]();
    if (entry.state === "waiting") this.#waiting.delete(entry);
    else if (entry.state === "in-cycle") this.#inCycle.delete(entry);
  }
}
