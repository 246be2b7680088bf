import type { Clock } from "../base/clock.ts";
import type { ClusterEvent, Plugin, QueuedPod } from "./framework.ts";

const backoffFirstMs = 1_000;
const backoffMaxMs = 10_000;
/** Even without an event, a pod that did not fit is tried again after this (upstream's value). */
const leftoverRetryMs = 300_000;

interface Entry {
  pod: QueuedPod;
  attempts: number;
  /** Plugins that refused it last. */
  refusedBy: ReadonlySet<string>;
  state: "active" | "in-cycle" | "backing-off" | "waiting";
  /** Set when an event came while it was being decided: what it was refused for may be over. */
  moved: boolean;
  timer?: Disposable;
}

const keyOf = ({ pod }: QueuedPod): string => pod.metadata?.uid ?? "";

/**
 * Pods that wait for a node: active ones in the order of the profile; those that failed back off,
 * or wait until an event could help one of the plugins that refused them.
 */
export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #active: Entry[] = [];
  readonly #clock: Clock;
  readonly #plugins: readonly Plugin[];
  readonly #before: (a: QueuedPod, b: QueuedPod) => number;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(clock: Clock, plugins: readonly Plugin[]) {
    this.#clock = clock;
    this.#plugins = plugins;
    this.#before = plugins.find((plugin) => plugin.queueSort !== undefined)?.queueSort ?? (() => 0);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A new pod, or a new version of a known one, which starts afresh when it was waiting. */
  add(pod: QueuedPod): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry === undefined) {
      const fresh: Entry = {
        pod,
        attempts: 0,
        refusedBy: new Set(),
        state: "waiting",
        moved: false,
      };
      this.#entries.set(keyOf(pod), fresh);
      return this.#activate(fresh);
    }
    const specChanged = entry.pod.pod.metadata?.generation !== pod.pod.metadata?.generation;
    entry.pod = { ...pod, queuedAtMs: entry.pod.queuedAtMs };
    if (entry.state === "waiting" && specChanged) this.#activate(entry);
  }

  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.timer?.[Symbol.dispose]();
    this.#entries.delete(uid);
    const at = this.#active.indexOf(entry);
    if (at >= 0) this.#active.splice(at, 1);
  }

  /** The next pod to decide; waits for one. Undefined once the queue is closed. */
  async pop(): Promise<QueuedPod | undefined> {
    while (!this.#closed) {
      const entry = this.#active.pop();
      if (entry !== undefined) {
        entry.state = "in-cycle";
        entry.moved = false;
        entry.attempts++;
        return entry.pod;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return undefined;
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
    entry.refusedBy = by;
    if (entry.moved) return this.#backOff(entry);
    entry.state = "waiting";
    entry.timer = this.#clock.after(leftoverRetryMs, () => this.#activate(entry));
  }

  /** The attempt failed for a reason outside (the API server refused, say): try again later. */
  failed(pod: QueuedPod): void {
    const entry = this.#entries.get(keyOf(pod));
    if (entry !== undefined) this.#backOff(entry);
  }

  /** Wakes the pods that this event may help, after what is left of their back-off. */
  wake(event: ClusterEvent): void {
    for (const entry of this.#entries.values()) {
      if (entry.state === "in-cycle") entry.moved = true;
      else if (entry.state === "waiting" && this.#helps(event, entry)) this.#backOff(entry);
    }
  }

  #helps(event: ClusterEvent, { refusedBy, pod }: Entry): boolean {
    if (refusedBy.size === 0) return true;
    return this.#plugins.some(
      (plugin) => refusedBy.has(plugin.name) && plugin.wokenBy?.(event, pod) !== false,
    );
  }

  #backOff(entry: Entry): void {
    entry.timer?.[Symbol.dispose]();
    entry.state = "backing-off";
    const pauseMs = Math.min(backoffFirstMs * 2 ** (entry.attempts - 1), backoffMaxMs);
    entry.timer = this.#clock.after(pauseMs, () => this.#activate(entry));
  }

  /** Keeps the list sorted with the next one last: taking it is a pop. */
  #activate(entry: Entry): void {
    entry.timer?.[Symbol.dispose]();
    entry.state = "active";
    let low = 0;
    let high = this.#active.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#active[middle] as Entry;
      if (this.#before(entry.pod, other.pod) < 0) low = middle + 1;
      else high = middle;
    }
    this.#active.splice(low, 0, entry);
    this.#wake?.();
  }
}
