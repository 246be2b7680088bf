import type { Clock } from "../base/clock.ts";
import { isReason } from "../machinery/status-error.ts";
import type { OpenForward, PortForwardConnection } from "./command.ts";

/** After a lost connection the pod is looked for this often, at growing distances. */
const attemptsMax = 20;
const retryMs = { first: 100, max: 5_000 } as const;

export interface TunnelOptions {
  /** Where it leads; asked each time, so that a workload's next pod takes over from the last. */
  readonly path: () => Promise<string>;
  readonly open: OpenForward;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onLost: () => void;
  readonly onBack: () => void;
  /** It is not looked for any more. */
  readonly onGone: (because: unknown) => void;
}

/** The way to a pod's ports: opened when first needed, and again after it was lost. */
export class ForwardTunnel {
  readonly #options: TunnelOptions;
  #opening: Promise<PortForwardConnection> | undefined;
  #lose: (() => void) | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
  }

  /** While it is looked for again this waits. Rejects with why there is no way. */
  connection(): Promise<PortForwardConnection> {
    return (this.#opening ??= this.#connect());
  }
  /** It leads nowhere any more, although the server still holds it open. */
  drop(): void {
    this.#lose?.();
  }

  async #connect(): Promise<PortForwardConnection> {
    const { path, open, signal, onLost, onGone } = this.#options;
    const connection = await open(await path(), signal);
    const lose = (): void => {
      if (this.#lose !== lose) return;
      this.#lose = undefined;
      connection.close();
      if (signal.aborted) return;
      onLost();
      this.#opening = this.#again();
      this.#opening.catch(onGone);
    };
    this.#lose = lose;
    if (connection.closed.aborted) lose();
    else connection.closed.addEventListener("abort", lose, { once: true });
    return connection;
  }

  async #again(): Promise<PortForwardConnection> {
    const { clock, signal, onBack } = this.#options;
    for (let attempt = 1; ; attempt++) {
      await clock.sleep(Math.min(retryMs.first * 2 ** (attempt - 1), retryMs.max), signal);
      try {
        const connection = await this.#connect();
        onBack();
        return connection;
      } catch (error) {
        signal.throwIfAborted();
        const isHopeless = isReason(error, "NotFound", "Forbidden", "Unauthorized");
        if (isHopeless || attempt >= attemptsMax) throw error;
      }
    }
  }
}
