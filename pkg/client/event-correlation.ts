/**
 * What becomes of an event that is like earlier ones: counted on the one that is there, folded
 * into one for all of its kind, or dropped. Pure but for what it remembers; the rules and numbers
 * are client-go's, so that `kubectl describe` reads alike.
 */
export interface EventNote {
  /** Identifies the object: its kind, namespace, name and uid. */
  readonly subject: string;
  readonly source: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export type Correlation =
  | { readonly do: "create"; readonly message: string }
  | {
      readonly do: "count";
      readonly eventName: string;
      readonly count: number;
      readonly firstMs: number;
      readonly message: string;
    }
  | { readonly do: "drop" };

const limits = {
  /** So many different messages for one object and reason within the interval stay apart. */
  similarEventsMax: 10,
  similarWithinMs: 600_000,
  /** Tokens of one source about one object: a burst, and one more every five minutes. */
  burstEvents: 25,
  refillMs: 300_000,
  /** Keys remembered of each sort; the oldest is forgotten first. */
  keysMax: 4_096,
} as const;

interface Similar {
  readonly messages: Set<string>;
  lastMs: number;
}
interface Sent {
  readonly eventName: string;
  readonly count: number;
  readonly firstMs: number;
}
interface Tokens {
  left: number;
  atMs: number;
}

export class EventCorrelator {
  readonly #similar = new Map<string, Similar>();
  readonly #sent = new Map<string, Sent>();
  readonly #tokens = new Map<string, Tokens>();

  /** What to do with a note at this time. After "create", tell the name by `created`. */
  correlate(note: EventNote, nowMs: number): Correlation {
    const { message, key } = this.#aggregate(note, nowMs);
    if (!this.#spend(`${note.source}\n${note.subject}`, nowMs)) return { do: "drop" };
    const sent = this.#sent.get(key);
    if (sent === undefined) return { do: "create", message };
    const next = { ...sent, count: sent.count + 1 };
    remember(this.#sent, key, next);
    return { do: "count", message, ...next };
  }

  /** The event of this note exists now under that name: the next like it is counted there. */
  created(note: EventNote, eventName: string, nowMs: number): void {
    const { key } = this.#aggregate(note, nowMs);
    remember(this.#sent, key, { eventName, count: 1, firstMs: nowMs });
  }

  /** The event on the server is gone (they live an hour): the next like it is a new one. */
  forget(note: EventNote, nowMs: number): void {
    this.#sent.delete(this.#aggregate(note, nowMs).key);
  }

  #aggregate(note: EventNote, nowMs: number): { readonly message: string; readonly key: string } {
    const group = [note.subject, note.source, note.type, note.reason].join("\n");
    const known = this.#similar.get(group);
    const fresh = known !== undefined && nowMs - known.lastMs <= limits.similarWithinMs;
    const similar = fresh ? known : { messages: new Set<string>(), lastMs: nowMs };
    similar.lastMs = nowMs;
    remember(this.#similar, group, similar);
    if (similar.messages.size < limits.similarEventsMax) similar.messages.add(note.message);
    return similar.messages.has(note.message) && similar.messages.size < limits.similarEventsMax
      ? { message: note.message, key: `${group}\n${note.message}` }
      : { message: `(combined from similar events): ${note.message}`, key: group };
  }

  #spend(source: string, nowMs: number): boolean {
    const tokens = this.#tokens.get(source) ?? { left: limits.burstEvents, atMs: nowMs };
    const refilled = tokens.left + (nowMs - tokens.atMs) / limits.refillMs;
    const left = Math.min(limits.burstEvents, refilled);
    remember(this.#tokens, source, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left >= 1;
  }
}

/** Sets the key as the youngest, and drops the oldest above the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= limits.keysMax) return;
    map.delete(oldest);
  }
}
