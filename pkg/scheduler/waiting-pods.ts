import { mayHelp, type ClusterEvent } from "./cluster-event.ts";
import type { Plugin } from "./framework.ts";
import type { QueueEntry } from "./queue-entry.ts";

/** Refused by nobody in particular: any event may help. */
const anyone = "";

/**
 * Pods that wait until an event helps one of the plugins that refused them, filed under these: an
 * event asks only those whom it may concern, however many pods wait for others.
 */
export class WaitingPods {
  readonly #byPlugin = new Map<string, Set<QueueEntry>>();
  readonly #plugins: ReadonlyMap<string, Plugin>;

  constructor(plugins: readonly Plugin[]) {
    this.#plugins = new Map(plugins.map((plugin) => [plugin.name, plugin]));
  }

  add(entry: QueueEntry): void {
    for (const name of namesOf(entry)) {
      const entries = this.#byPlugin.get(name) ?? new Set();
      this.#byPlugin.set(name, entries.add(entry));
    }
  }

  delete(entry: QueueEntry): void {
    for (const name of namesOf(entry)) this.#byPlugin.get(name)?.delete(entry);
  }

  /** Those that the event may help. */
  helpedBy(event: ClusterEvent): ReadonlySet<QueueEntry> {
    const helped = new Set<QueueEntry>();
    for (const [name, entries] of this.#byPlugin) {
      const hints = this.#plugins.get(name)?.wokenBy;
      if (hints !== undefined && hints[event.type] === undefined) continue;
      for (const entry of entries) {
        if (!helped.has(entry) && mayHelp(hints, event, entry.pod)) helped.add(entry);
      }
    }
    return helped;
  }
}

const namesOf = ({ refusedBy }: QueueEntry): Iterable<string> =>
  refusedBy.size === 0 ? [anyone] : refusedBy;
