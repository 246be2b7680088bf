/**
 * All pods of this node and their workers: those that the API server binds here, those of
 * manifests, and what a former life of the kubelet left in the runtime.
 */
import type { Pod } from "../../../api/core/v1.ts";
import { annotations } from "../runtime/labels.ts";
import type { RuntimePod } from "../runtime/runtime-pod.ts";
import { fullNameOf, isStatic, uidOf } from "./pod-spec.ts";
import { PodWorker, type PodFailure } from "../worker/pod-worker.ts";
import type { PodContext } from "../worker/pod-context.ts";

export interface PodSetOptions {
  readonly context: PodContext;
  /** Whether the node can take one more pod; a failure ends it before it begins. */
  readonly admit: (pod: Pod, others: readonly Pod[]) => PodFailure | undefined;
  /** Nothing of the pod runs any more: clear away what it leaves. */
  readonly onGone: (pod: Pod) => Promise<void>;
}

export class PodSet {
  readonly #options: PodSetOptions;
  readonly #workers = new Map<string, PodWorker>();
  /** Static pods that wait for another of their name to end, by full name. */
  readonly #waiting = new Map<string, Pod>();

  constructor(options: PodSetOptions) {
    this.#options = options;
  }

  /** Every pod that has a worker. */
  pods(): readonly Pod[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  /** Pods with the statuses as last told. */
  withStatus(): readonly Pod[] {
    return [...this.#workers.values()].map(({ pod, status }) =>
      status === undefined ? pod : { ...pod, status },
    );
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  byName(fullName: string): PodWorker | undefined {
    const named = [...this.#workers.values()].filter(({ pod }) => fullNameOf(pod) === fullName);
    return named.find(({ isGoing }) => !isGoing) ?? named[0];
  }

  /** A pod is there, or has changed. */
  set(pod: Pod): void {
    const known = this.#workers.get(uidOf(pod));
    // A manifest that was taken away and put back is the same pod, and begins anew.
    const isBack = isStatic(pod) && known?.isGoing === true;
    if (known !== undefined && !isBack) return known.update(pod);
    const fullName = fullNameOf(pod);
    if (isStatic(pod) && this.#hasOther(fullName)) this.#waiting.set(fullName, pod);
    else this.#start(pod);
  }

  /** A pod is no longer wanted. */
  remove(uid: string): void {
    for (const [fullName, pod] of this.#waiting)
      if (uidOf(pod) === uid) this.#waiting.delete(fullName);
    this.#workers.get(uid)?.remove();
  }

  /** Ends what runs and nobody wants: its pod went while the kubelet was away. */
  endOrphans(running: readonly RuntimePod[]): void {
    for (const runtime of running) {
      if (this.#workers.has(runtime.uid) || runtime.uid === "") continue;
      this.#start(orphanOf(runtime)).remove();
    }
  }

  /** The runtime or a probe has news of a pod. */
  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  dispose(): void {
    for (const worker of this.#workers.values()) worker.dispose();
  }

  #hasOther = (fullName: string): boolean =>
    [...this.#workers.values()].some(({ pod }) => fullNameOf(pod) === fullName);

  #start(pod: Pod): PodWorker {
    const { context, admit } = this.#options;
    const others = [...this.#workers.values()].filter(({ isGoing }) => !isGoing);
    const isKnown = context.runtime.get(uidOf(pod)) !== undefined;
    const refusal = isKnown
      ? undefined
      : admit(
          pod,
          others.map((worker) => worker.pod),
        );
    const worker = new PodWorker(pod, context, (gone) => void this.#gone(gone));
    this.#workers.set(worker.uid, worker);
    if (refusal !== undefined) {
      context.note(pod, "Warning", refusal.reason, refusal.message);
      worker.fail(refusal);
    }
    return worker;
  }

  async #gone(pod: Pod): Promise<void> {
    await this.#options.onGone(pod);
    this.#workers.get(uidOf(pod))?.dispose();
    this.#workers.delete(uidOf(pod));
    const next = this.#waiting.get(fullNameOf(pod));
    if (next === undefined || this.#hasOther(fullNameOf(pod))) return;
    this.#waiting.delete(fullNameOf(pod));
    this.#start(next);
  }
}

/** All that is known of a pod of which only containers are left. */
const orphanOf = (runtime: RuntimePod): Pod => ({
  metadata: {
    uid: runtime.uid,
    name: runtime.name,
    namespace: runtime.namespace,
    annotations: { [orphanMark]: "true" },
  },
  spec: {
    containers: [...new Set(runtime.containers.map(({ name }) => name))].map((name) => ({ name })),
    restartPolicy: "Never",
    terminationGracePeriodSeconds: orphanGraceSeconds,
  },
});

/** Never leaves the kubelet: such a pod has no object anywhere. */
const orphanMark = `${annotations.hash}.orphan`;
const orphanGraceSeconds = 30;

export const isOrphan = (pod: Pod): boolean =>
  pod.metadata?.annotations?.[orphanMark] !== undefined;
