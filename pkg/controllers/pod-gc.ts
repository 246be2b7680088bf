import type { Node, Pod } from "../../api/core/v1.ts";
import { nodes, pods } from "../../api/resources.ts";
import {
  done,
  reads,
  requeueAfter,
  type Context,
  type Definition,
  type Program,
  type Result,
} from "../controller/controller.ts";
import { defineController } from "../controller/run-controller.ts";
import { isReason } from "../machinery/status-error.ts";
import { isPodTerminal, nodeNameOf, podKeysOnNode, podsByNodeIndex } from "./pod-facts.ts";
import { writePodCondition } from "./pod-writes.ts";

const limits = {
  /** A node that has just gone may come back under its name. */
  quarantineMs: 40_000,
  /** Pods that have ended and are kept for people to look at; the oldest go beyond. */
  terminatedPodsMax: 12_500,
} as const;

const terminatedIndex = "terminated";
const terminated = (pod: Pod): readonly string[] => (isPodTerminal(pod) ? ["yes"] : []);

export type Verdict =
  | { readonly do: "keep" }
  /** Bound to a node that is not there: wait, then ask the server itself. */
  | { readonly do: "quarantine" }
  /** Nobody is left who would end it. */
  | { readonly do: "delete"; readonly because: "unscheduled" | "out-of-service" };

/** What is to become of a pod. Pure. `node`: the one that it is bound to, if it is there. */
export function judgePod(pod: Pod, node: Node | undefined): Verdict {
  const isEnding = pod.metadata?.deletionTimestamp !== undefined;
  if ((pod.spec?.nodeName ?? "") === "")
    return isEnding ? { do: "delete", because: "unscheduled" } : { do: "keep" };
  if (node === undefined) return { do: "quarantine" };
  const isOutOfService = (node.spec?.taints ?? []).some(
    ({ key }) => key === "node.kubernetes.io/out-of-service",
  );
  const isReady = node.status?.conditions?.some(
    ({ type, status }) => type === "Ready" && status === "True",
  );
  return isEnding && isOutOfService && isReady !== true
    ? { do: "delete", because: "out-of-service" }
    : { do: "keep" };
}

const name = "pod-gc";
const account = "pod-garbage-collector";
const writes = ["Pod/orphaned"] as const;

/** Deletes pods that no kubelet will ever end: of nodes that are gone, or never bound. */
export const podGcController: Program = {
  name,
  account,
  writes,
  // How long a node has been missing is counted within one run.
  run: (doors, signal) => defineController(definition()).run(doors, signal),
};

function definition(): Definition<Pod> {
  const missing = new MissingNodes();
  return {
    name,
    account,
    eventSource: "pod-garbage-collector",
    reconciles: pods,
    indexes: { [podsByNodeIndex]: nodeNameOf, [terminatedIndex]: terminated },
    reads: [reads(nodes, podKeysOnNode)],
    writes,
    async reconcile(pod, context, signal) {
      if (isPodTerminal(pod)) await deleteOldest(context, signal);
      const nodeName = pod.spec?.nodeName ?? "";
      const verdict = judgePod(pod, context.informer(nodes).get(nodeName));
      if (verdict.do === "quarantine") return afterQuarantine(pod, missing, context, signal);
      missing.isBack(nodeName);
      if (verdict.do === "delete") await remove(pod, context, signal);
      return done;
    },
  };
}

/** After the quarantine the server itself is asked: our list of nodes may be behind. */
async function afterQuarantine(
  pod: Pod,
  missing: MissingNodes,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const name = pod.spec?.nodeName ?? "";
  const leftMs = limits.quarantineMs - missing.forMs(name, context.clock.monotonic());
  if (leftMs > 0) return requeueAfter(leftMs);
  try {
    await context.client.resource(nodes).get({ name }, signal);
    return requeueAfter(limits.quarantineMs);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
  await remove(pod, context, signal);
  return done;
}

/** How long nodes that pods are bound to have been missing. */
class MissingNodes {
  readonly #since = new Map<string, number>();
  forMs(name: string, nowMs: number): number {
    const since = this.#since.get(name) ?? nowMs;
    this.#since.set(name, since);
    return nowMs - since;
  }
  isBack(name: string): void {
    this.#since.delete(name);
  }
}

async function remove(pod: Pod, context: Context, signal: AbortSignal): Promise<void> {
  const { namespace = "", name = "", uid } = pod.metadata ?? {};
  const api = context.client.resource(pods);
  try {
    if (!isPodTerminal(pod)) {
      const condition = {
        type: "DisruptionTarget",
        status: "True",
        reason: "DeletionByPodGC",
        message: "PodGC: node no longer exists",
      };
      await writePodCondition(pod, condition, context, signal, { phase: "Failed" });
    }
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await api.delete({ namespace, name }, { gracePeriodSeconds: 0, ...preconditions }, signal);
  } catch (error) {
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}

async function deleteOldest(context: Context, signal: AbortSignal): Promise<void> {
  const ended = context.informer(pods).byIndex(terminatedIndex, "yes");
  const surplus = ended.length - limits.terminatedPodsMax;
  if (surplus <= 0) return;
  const oldest = ended
    .toSorted((one, other) =>
      (one.metadata?.creationTimestamp ?? "") < (other.metadata?.creationTimestamp ?? "") ? -1 : 1,
    )
    .slice(0, surplus);
  for (const pod of oldest) await remove(pod, context, signal);
}
