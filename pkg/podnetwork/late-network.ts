import type { Clock } from "../base/clock.ts";
import type { Attachment, NetworkSandbox, PodNetwork } from "./pod-network.ts";

/** A range comes a moment after the node has registered; a pod that is refused comes back later. */
const openWaitMs = 10_000;

/**
 * A pod network on a node that has not been told its range of addresses yet: until then it is not
 * ready, and pods wait. Once opened it is the network it was opened with.
 */
export class LateNetwork implements PodNetwork {
  readonly #clock: Clock;
  readonly #opening = Promise.withResolvers<void>();
  #network: PodNetwork | undefined;
  #range: string | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when it is. */
  get opened(): Promise<void> {
    return this.#opening.promise;
  }

  get isOpen(): boolean {
    return this.#network !== undefined;
  }

  /** What it was opened with: 10.244.1.0/24; undefined before. */
  get range(): string | undefined {
    return this.#range;
  }

  open(network: PodNetwork, range: string): void {
    this.#network = network;
    this.#range = range;
    this.#opening.resolve();
  }

  async attach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<Attachment> {
    if (!this.isOpen) await this.#waitForRange(signal);
    return await this.#opened().attach(sandbox, signal);
  }

  /** Nothing was attached by us before the range was known; what an earlier run attached waits. */
  async detach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<void> {
    await this.#opened().detach(sandbox, signal);
  }

  async check(): Promise<void> {
    await this.#opened().check();
  }

  async #waitForRange(signal?: AbortSignal): Promise<void> {
    const came = new AbortController();
    const ends = signal === undefined ? came.signal : AbortSignal.any([came.signal, signal]);
    const timeout = this.#clock.sleep(openWaitMs, ends);
    await Promise.race([this.opened, timeout]).finally(() => came.abort());
  }

  #opened(): PodNetwork {
    if (this.#network === undefined) {
      throw new Error("this node has no range of pod addresses (spec.podCIDR) yet");
    }
    return this.#network;
  }
}
