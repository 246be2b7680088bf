import type { QueuedPod } from "./queued-pod.ts";

const uidOf = ({ pod }: QueuedPod): string => pod.metadata?.uid ?? "";
const none: readonly QueuedPod[] = [];

/**
 * Pods that were promised a place which others are still leaving. Pods of lower priority must not
 * take it in the meantime.
 */
export class Nominations {
  readonly #byNode = new Map<string, Map<string, QueuedPod>>();
  readonly #nodeOf = new Map<string, string>();

  get size(): number {
    return this.#nodeOf.size;
  }

  set(pod: QueuedPod, node: string): void {
    this.remove(uidOf(pod));
    this.#nodeOf.set(uidOf(pod), node);
    const pods = this.#byNode.get(node) ?? new Map<string, QueuedPod>();
    this.#byNode.set(node, pods.set(uidOf(pod), pod));
  }

  /** Whether there was a promise. */
  remove(uid: string): boolean {
    const node = this.#nodeOf.get(uid);
    if (node === undefined) return false;
    this.#nodeOf.delete(uid);
    const pods = this.#byNode.get(node);
    pods?.delete(uid);
    if (pods?.size === 0) this.#byNode.delete(node);
    return true;
  }

  nodeOf(pod: QueuedPod): string | undefined {
    return this.#nodeOf.get(uidOf(pod));
  }

  on(node: string): readonly QueuedPod[] {
    const pods = this.#byNode.get(node);
    return pods === undefined ? none : [...pods.values()];
  }

  /** Those on the node that this pod must leave room for. */
  before(pod: QueuedPod, node: string): readonly QueuedPod[] {
    if (this.#byNode.size === 0) return none;
    return this.on(node).filter(
      (other) => other.priority >= pod.priority && uidOf(other) !== uidOf(pod),
    );
  }
}
