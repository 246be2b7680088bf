import type { Attachment, NetworkSandbox, PodNetwork } from "./pod-network.ts";

/**
 * A pod network on a node that has not been told its range of addresses yet: until then it is not
 * ready, and pods wait. Once opened it is the network it was opened with.
 */
export class LateNetwork implements PodNetwork {
  #network: PodNetwork | undefined;

  get isOpen(): boolean {
    return this.#network !== undefined;
  }

  open(network: PodNetwork): void {
    this.#network = network;
  }

  async attach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<Attachment> {
    return await this.#opened().attach(sandbox, signal);
  }

  /** Nothing was attached by us before the range was known; what an earlier run attached waits. */
  async detach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<void> {
    await this.#opened().detach(sandbox, signal);
  }

  async check(): Promise<void> {
    await this.#opened().check();
  }

  #opened(): PodNetwork {
    if (this.#network === undefined) {
      throw new Error("this node has no range of pod addresses (spec.podCIDR) yet");
    }
    return this.#network;
  }
}
