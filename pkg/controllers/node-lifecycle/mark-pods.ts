import type { Node, Pod } from "../../../api/core/v1.ts";
import { pods } from "../../../api/resources.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Context } from "../../controller/controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isPodReady, podsByNodeIndex, withPodCondition } from "../pod-facts.ts";

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
  const { name = "", namespace = "", uid } = pod.metadata ?? {};
  const now = rfc3339(context.clock.now());
  const conditions = withPodCondition(pod, { type: "Ready", status: "False" }, now);
  const body = { metadata: { uid }, status: { conditions } };
  try {
    await context.client
      .resource(pods)
      .patch({ namespace, name }, { type: "merge", body }, { subresource: "status" }, signal);
  } catch (error) {
    // It is gone, or another pod of the same name has taken its place.
    if (isReason(error, "NotFound", "Conflict")) return;
    throw error;
  }
  const subject = { ref: pods, object: pod };
  context.events.record(subject, "Warning", "NodeNotReady", "Node is not ready");
}
