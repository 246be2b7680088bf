import type { Pod, Taint } from "../../api/core/v1.ts";
import { nodes, pods } from "../../api/resources.ts";
import { done, reads, requeueAfter } from "../controller/controller.ts";
import { defineController } from "../controller/run-controller.ts";
import { isReason } from "../machinery/status-error.ts";
import { tolerates } from "../machinery/tolerations.ts";
import {
  isPodTerminal,
  nodeNameOf,
  podCondition,
  podKeysOnNode,
  podsByNodeIndex,
} from "./pod-facts.ts";
import { writePodCondition } from "./pod-writes.ts";
import { isNoExecute } from "./taints.ts";

const timeMs = (time: string | undefined): number => (time === undefined ? 0 : Date.parse(time));

/** Times of the API are cut to seconds: the pod may stay as long as is tolerated, not less. */
const wholeSecondMs = 1_000;

/**
 * When the pod must leave a node that has these taints, in milliseconds since the epoch; undefined:
 * it may stay. It may stay for the least `tolerationSeconds` of its tolerations, counted from when
 * taint and pod met. Pure.
 */
export function evictionTimeMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  const { metadata, spec } = pod;
  const bound = timeMs(podCondition(pod, "PodScheduled")?.lastTransitionTime);
  const began = Math.max(bound, timeMs(metadata?.creationTimestamp));
  const times = taints.filter(isNoExecute).map((taint) => {
    const met = Math.max(began, timeMs(taint.timeAdded));
    const covering = (spec?.tolerations ?? []).filter((one) => tolerates(one, taint));
    if (covering.length === 0) return met;
    const seconds = covering.map((one) => one.tolerationSeconds ?? Infinity);
    const toleratedMs = Math.max(0, Math.min(...seconds)) * 1_000;
    return toleratedMs === 0 ? met : met + toleratedMs + wholeSecondMs;
  });
  const earliest = Math.min(...times);
  return Number.isFinite(earliest) ? earliest : undefined;
}

/** Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer. */
export const taintEvictionController = defineController<Pod>({
  name: "taint-eviction",
  account: "node-controller",
  eventSource: "taint-eviction-controller",
  reconciles: pods,
  indexes: { [podsByNodeIndex]: nodeNameOf },
  reads: [reads(nodes, podKeysOnNode)],
  writes: ["Pod/tainted"],
  async reconcile(pod, context, signal) {
    if (isPodTerminal(pod) || pod.metadata?.deletionTimestamp !== undefined) return done;
    const node = context.informer(nodes).get(pod.spec?.nodeName ?? "");
    const evictAt = evictionTimeMs(pod, node?.spec?.taints ?? []);
    if (evictAt === undefined) return done;
    const nowMs = context.clock.now();
    if (evictAt > nowMs) return requeueAfter(evictAt - nowMs);
    const { namespace = "", name = "", uid } = pod.metadata ?? {};
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    };
    const api = context.client.resource(pods);
    const message = `Marking for deletion Pod ${namespace}/${name}`;
    context.events.record({ ref: pods, object: pod }, "Normal", "TaintManagerEviction", message);
    try {
      await writePodCondition(pod, condition, context, signal);
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      await api.delete({ namespace, name }, preconditions, signal);
    } catch (error) {
      if (!isReason(error, "NotFound", "Conflict")) throw error;
    }
    return done;
  },
});
