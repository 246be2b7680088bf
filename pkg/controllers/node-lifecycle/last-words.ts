/** Two heartbeats: when none of several nodes was heard for longer, something else is wrong. */
export const quietMs = 20_000;

interface Word {
  readonly word: string;
  readonly atMs: number;
  readonly isNews: boolean;
}

/**
 * When each node was last heard, by this process's own clock: clocks of nodes may be wrong. Only
 * the silence counts in which we could have heard something: when all nodes fall silent together
 * and come back, the API server was away, or we were, and no node is to blame.
 */
export class LastWords {
  readonly #heard = new Map<string, Word>();
  #listeningSinceMs = -Infinity;
  /** When the last of all was heard. */
  #lastMs = -Infinity;

  /** What the node says of itself; the same word again is not heard again. */
  hear(node: string, word: string, nowMs: number): void {
    const before = this.#heard.get(node);
    if (before?.word === word) return;
    if (this.isQuiet(nowMs)) this.listenAnew(nowMs);
    this.#heard.set(node, { word, atMs: nowMs, isNews: before !== undefined });
    this.#lastMs = nowMs;
  }

  forget(node: string): void {
    this.#heard.delete(node);
  }

  /** True when it spoke since we listen; what was said before that may be long ago. */
  hasSpoken(node: string): boolean {
    return this.#heard.get(node)?.isNews === true;
  }

  /** Everybody gets a new chance to be heard: silence before this does not count. */
  listenAnew(nowMs: number): void {
    this.#listeningSinceMs = nowMs;
  }

  /** Monotonic milliseconds at which the node's silence began, as far as it counts. */
  silentSinceMs(node: string, nowMs: number): number {
    return Math.max(this.#heard.get(node)?.atMs ?? nowMs, this.#listeningSinceMs);
  }

  /** Nobody of several speaks. Of one node alone, silence says nothing about others. */
  isQuiet(nowMs: number): boolean {
    return this.#heard.size > 1 && nowMs - this.#lastMs > quietMs;
  }

  /** How long nobody was heard. */
  quietForMs(nowMs: number): number {
    return nowMs - this.#lastMs;
  }
}
