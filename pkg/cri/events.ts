import type { ContainerRecord } from "./records.ts";

export type ContainerHappening = "created" | "started" | "stopped" | "deleted";

export interface CriEvent {
  readonly happening: ContainerHappening;
  readonly record: ContainerRecord;
}

/** A listener further behind than this has stopped reading: it is ended, and lists anew. */
const eventsBehindMax = 1_000;

/** What happens to containers, to all who listen. */
export class CriEvents {
  readonly #listeners = new Set<Listener>();

  emit(happening: ContainerHappening, record: ContainerRecord): void {
    for (const listener of this.#listeners) listener.push({ happening, record });
  }

  /** Events from now on, until `signal` aborts or the reader falls too far behind. */
  async *listen(signal?: AbortSignal): AsyncGenerator<CriEvent, void> {
    const listener = new Listener();
    this.#listeners.add(listener);
    const onAbort = (): void => listener.end();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (signal?.aborted !== true) {
        const event = await listener.next();
        if (event === undefined) return;
        yield event;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#listeners.delete(listener);
    }
  }
}

class Listener {
  readonly #queue: CriEvent[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;

  push(event: CriEvent): void {
    if (this.#queue.length >= eventsBehindMax) return this.end();
    this.#queue.push(event);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async next(): Promise<CriEvent | undefined> {
    while (this.#queue.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#queue.shift();
  }
}
