import type { OpenForward, PortForwardConnection } from "./command.ts";

/**
 * The way to a pod's ports: opened when first needed, and again after it was lost. Where it leads is
 * asked each time, so that a workload's next pod takes over from the last.
 */
export class ForwardTunnel {
  readonly #path: () => Promise<string>;
  readonly #open: OpenForward;
  readonly #signal: AbortSignal;
  readonly #onLost: () => void;
  #opening: Promise<PortForwardConnection> | undefined;

  constructor(
    open: OpenForward,
    path: () => Promise<string>,
    options: { readonly signal: AbortSignal; readonly onLost: () => void },
  ) {
    this.#open = open;
    this.#path = path;
    this.#signal = options.signal;
    this.#onLost = options.onLost;
  }

  /** Rejects with why there is no way now; the next call tries again. */
  connection(): Promise<PortForwardConnection> {
    return (this.#opening ??= this.#connect().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  async #connect(): Promise<PortForwardConnection> {
    const connection = await this.#open(await this.#path(), this.#signal);
    const lost = (): void => {
      this.#opening = undefined;
      if (!this.#signal.aborted) this.#onLost();
    };
    if (connection.closed.aborted) lost();
    else connection.closed.addEventListener("abort", lost, { once: true });
    return connection;
  }
}
