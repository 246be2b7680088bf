/** How fast nodes are chosen, without any API: the scheduler's own work and nothing else. */
import type { Node, Pod, PodSpec } from "../../api/core/v1.ts";
import { seededRandom } from "../../pkg/base/random.ts";
import { requirementsOf } from "../../pkg/machinery/label-selector.ts";
import { ClusterCache } from "../../pkg/scheduler/cluster-cache.ts";
import { schedule } from "../../pkg/scheduler/cycle.ts";
import { defaultPlugins } from "../../pkg/scheduler/default-plugins.ts";
import { queuedPod } from "../../pkg/scheduler/queued-pod.ts";
import { Profile } from "../../pkg/scheduler/profile.ts";
import { nodeOf, podOf, type Kind } from "./scheduling-objects.ts";

/** Pods decided and assumed a second. */
export function decisionsPerSecond(nodes: number, pods: number, kind: Kind): number {
  const selector = kind === "owned" ? requirementsOf({ matchLabels: { app: "a" } }) : [];
  const cache = new ClusterCache(() => selector);
  for (let index = 0; index < nodes; index++) cache.setNode(nodeOf(index) as Node);
  const profile = new Profile(defaultPlugins);
  const random = seededRandom(1);
  const wanted = Array.from({ length: pods }, (_, index) => {
    const pod = podOf(index, kind) as { metadata: object; spec: PodSpec };
    return { ...pod, metadata: { ...pod.metadata, namespace: "bench", uid: `${index}` } } as Pod;
  });
  let start = 0;
  const beganMs = performance.now();
  for (const pod of wanted) {
    const queued = queuedPod(pod, 0);
    const result = schedule(profile, queued, { cache, start, tieBreak: random.fraction() });
    if (!result.fits) throw new Error(`no node for pod ${pod.metadata?.name ?? ""}`);
    start = (start + result.lookedAt) % nodes;
    cache.assume(pod, queued.demand, result.node.name);
  }
  return (pods * 1_000) / (performance.now() - beganMs);
}
