/**
 * Writes that are asked for in one turn of the event loop share one transaction, since making a
 * transaction durable costs as much for one write as for a thousand. Nobody hears of a write,
 * neither good nor bad, before the disk has it.
 */
type Outcome<R> = { readonly did: R } | { readonly failed: unknown };

interface Waiting<W, R> {
  readonly write: W;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommitOptions<W, R> {
  /** Makes the writes of one group durable, or throws and has done nothing. */
  readonly commit: (writes: readonly W[]) => readonly Outcome<R>[];
  /** A group of more is split, so that reads get their turn. */
  readonly groupWritesMax: number;
}

export class GroupCommit<W, R> {
  readonly #options: GroupCommitOptions<W, R>;
  #waiting: Waiting<W, R>[] = [];
  #isScheduled = false;

  constructor(options: GroupCommitOptions<W, R>) {
    this.#options = options;
  }

  add(write: W): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#schedule();
    });
  }

  /** Commits at once all that waits. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commitGroup();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Behind the turn's input and output: a microtask would run between two sockets' requests.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#commitGroup();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commitGroup(): void {
    const { commit, groupWritesMax } = this.#options;
    const group = this.#waiting.splice(0, groupWritesMax);
    if (group.length === 0) return;
    let outcomes: readonly Outcome<R>[];
    try {
      outcomes = commit(group.map(({ write }) => write));
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const [index, { resolve, reject }] of group.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) reject(new Error("the transaction told no outcome"));
      else if ("did" in outcome) resolve(outcome.did);
      else reject(outcome.failed);
    }
  }
}
