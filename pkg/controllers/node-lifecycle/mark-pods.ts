import type { Node, Pod } from "../../../api/core/v1.ts";
import { pods } from "../../../api/resources.ts";
import type { Context } from "../../controller/controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isPodReady, podsByNodeIndex } from "../pod-facts.ts";
import { writePodCondition } from "../pod-writes.ts";

/** Requests under way at once: a full node is marked in a fraction of a second. */
const podsAtOnce = 16;

/**
 * Pods of a lost node are not ready, whatever they last said: endpoints follow that condition, and
 * Services must not send to them.
 */
export async function markPods(node: Node, context: Context, signal: AbortSignal): Promise<void> {
  const onNode = context.informer(pods).byIndex(podsByNodeIndex, node.metadata?.name ?? "");
  const ready = onNode.filter(isPodReady);
  for (let at = 0; at < ready.length; at += podsAtOnce) {
    const some = ready.slice(at, at + podsAtOnce);
    await Promise.all(some.map((pod) => markPod(pod, context, signal)));
  }
}

async function markPod(pod: Pod, context: Context, signal: AbortSignal): Promise<void> {
  try {
    await writePodCondition(pod, { type: "Ready", status: "False" }, context, signal);
  } catch (error) {
    // It is gone, or another pod of the same name has taken its place.
    if (isReason(error, "NotFound", "Conflict")) return;
    throw error;
  }
  const subject = { ref: pods, object: pod };
  context.events.record(subject, "Warning", "NodeNotReady", "Node is not ready");
}
