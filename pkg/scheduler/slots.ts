/** So many things under way at once, and no more: who comes later waits for one to end. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(slots: number) {
    this.#free = slots;
  }

  /** Undefined: one is free now. */
  whenFree(): Promise<void> | undefined {
    return this.#free > 0 ? undefined : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Takes a slot until the work has ended. It must not reject. */
  run(work: Promise<void>): void {
    this.#free -= 1;
    const ended = work.finally(() => {
      this.#free += 1;
      this.#running.delete(ended);
      if (this.#free > 0) this.#waiting.shift()?.();
    });
    this.#running.add(ended);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.#running);
  }
}
