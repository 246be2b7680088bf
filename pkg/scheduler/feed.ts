import type { Namespace, Node, Pod } from "../../api/core/v1.ts";
import type { Clock } from "../base/clock.ts";
import type { ClusterCache } from "./cluster-cache.ts";
import { differs } from "./cluster-event.ts";
import { having, type Hooks, type Plugin } from "./framework.ts";
import type { Nominations } from "./nominations.ts";
import { queuedPod } from "./queued-pod.ts";
import type { SchedulingQueue } from "./scheduling-queue.ts";

/** What the scheduler remembers: all of it is built again from the API server at a start. */
export interface Memory {
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly nominations: Nominations;
}

interface FeedOptions {
  readonly clock: Clock;
  readonly plugins: readonly Plugin[];
  readonly name: string;
}

const isOver = ({ status }: Pod): boolean =>
  status?.phase === "Succeeded" || status?.phase === "Failed";

const isPending = (pod: Pod): boolean =>
  (pod.spec?.nodeName ?? "") === "" &&
  pod.metadata?.deletionTimestamp === undefined &&
  !isOver(pod);

const isOnNode = (pod: Pod | undefined): pod is Pod =>
  pod !== undefined && (pod.spec?.nodeName ?? "") !== "" && !isOver(pod);

/** What of a pod on a node may matter to others. */
const matters = (now: Pod, before: Pod): boolean =>
  now.metadata?.generation !== before.metadata?.generation ||
  now.metadata?.deletionTimestamp !== before.metadata?.deletionTimestamp ||
  differs(now.metadata?.labels, before.metadata?.labels);

type Conditions = NonNullable<Node["status"]>["conditions"];
const conditionsText = (conditions: Conditions = []): string =>
  conditions.map(({ type, status }) => `${type}=${status}`).join(",");

/** What of a node may let a pod in; that it is alive may not, and is said often. */
const nodeMatters = (now: Node, before: Node): boolean =>
  now.spec?.unschedulable !== before.spec?.unschedulable ||
  differs(now.spec?.taints, before.spec?.taints) ||
  differs(now.metadata?.labels, before.metadata?.labels) ||
  differs(now.metadata?.annotations, before.metadata?.annotations) ||
  differs(now.status?.allocatable, before.status?.allocatable) ||
  conditionsText(now.status?.conditions) !== conditionsText(before.status?.conditions);

/** Carries what the informers show into cache and queue. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #memory: Memory;
  readonly #preEnqueues: readonly Pick<Hooks, "preEnqueue">[];

  constructor(options: FeedOptions, memory: Memory) {
    this.#options = options;
    this.#memory = memory;
    this.#preEnqueues = having(options.plugins, "preEnqueue");
  }

  namespace(now: Namespace | undefined, before: Namespace | undefined): void {
    const name = (now ?? before)?.metadata?.name ?? "";
    const labels = now === undefined ? undefined : (now.metadata?.labels ?? {});
    if (labels !== undefined && !differs(labels, before?.metadata?.labels)) return;
    this.#memory.cache.setNamespace(name, labels);
    this.#memory.queue.wake({ type: "namespace-changed", name });
  }

  node(now: Node | undefined, before: Node | undefined): void {
    const { cache, queue } = this.#memory;
    if (now !== undefined) {
      cache.setNode(now);
      if (before === undefined) queue.wake({ type: "node-added", node: now });
      else if (nodeMatters(now, before)) queue.wake({ type: "node-changed", node: now, before });
    } else if (before !== undefined) {
      cache.removeNode(before.metadata?.name ?? "");
      queue.wake({ type: "node-deleted", node: before });
    }
  }

  pod(now: Pod | undefined, before: Pod | undefined): void {
    const pod = now ?? before;
    if (pod === undefined) return;
    if (now !== undefined && isPending(now)) return this.#pending(now);
    const { cache, queue, nominations } = this.#memory;
    const uid = pod.metadata?.uid ?? "";
    queue.remove(uid);
    const wasPromised = nominations.remove(uid);
    if (now === undefined) cache.removePod(pod);
    else cache.setPod(now);
    this.#tell(now, before);
    // Its promised place is free for those whom the promise kept away.
    if (wasPromised && !isOnNode(now)) queue.wake({ type: "pod-deleted", pod });
  }

  #tell(now: Pod | undefined, before: Pod | undefined): void {
    const { queue } = this.#memory;
    if (isOnNode(now) && isOnNode(before)) {
      if (matters(now, before)) queue.wake({ type: "pod-changed", pod: now, before });
    } else if (isOnNode(now)) queue.wake({ type: "pod-added", pod: now });
    else if (isOnNode(before)) queue.wake({ type: "pod-deleted", pod: before });
  }

  #pending(pod: Pod): void {
    const { cache, queue, nominations } = this.#memory;
    if ((pod.spec?.schedulerName ?? "default-scheduler") !== this.#options.name) return;
    if (this.#preEnqueues.some((plugin) => plugin.preEnqueue(pod) !== undefined)) return;
    const queued = queuedPod(pod, this.#options.clock.now());
    // Already given a node: its binding is on the way, and may fail.
    if (cache.isPlaced(pod)) return queue.update(queued);
    const promised = pod.status?.nominatedNodeName ?? "";
    if (promised !== "" && nominations.nodeOf(queued) === undefined) {
      nominations.set(queued, promised);
    }
    queue.add(queued);
  }
}
