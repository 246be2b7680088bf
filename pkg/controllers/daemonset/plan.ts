/**
 * What a DaemonSet wants changed: a pod on each node that suits, none elsewhere, and pods of an old
 * template replaced as its strategy says. Pure. It never chooses a node: it says which are meant,
 * and the scheduler binds.
 */
import type { Pod } from "../../../api/core/v1.ts";
import { isPodReady } from "../pod-facts.ts";
import type { Changes, Deletion } from "./changes.ts";
import { isUpdated } from "./daemon-pod.ts";
import { allowsSurge, burstPods, isRolling } from "./limits.ts";
import { isAvailable, type NodePods, type Situation } from "./node-pods.ts";
import { planRollout } from "./rollout.ts";

/** `mayRetry`: whether a failed pod of the node may be replaced already. */
export function planDaemonSet(situation: Situation, mayRetry: (node: string) => boolean): Changes {
  if (situation.daemonSet.metadata?.deletionTimestamp !== undefined) return nothing;
  const present = planNodes(situation, mayRetry);
  // An update goes on when every node has what it should: one thing after the other.
  const isSettled = present.delete.length === 0 && present.create.length === 0;
  const changes = isSettled && isRolling(situation.daemonSet) ? planRollout(situation) : present;
  return { delete: changes.delete.slice(0, burstPods), create: changes.create.slice(0, burstPods) };
}

const nothing: Changes = { delete: [], create: [] };

function planNodes(situation: Situation, mayRetry: (node: string) => boolean): Changes {
  const gone: Deletion[] = situation.stranded.map((pod) => unwanted(pod, ""));
  const create: string[] = [];
  for (const node of situation.nodes) {
    const { name, pods, shouldRun, mayStay } = node;
    if (shouldRun && pods.length === 0) create.push(name);
    else if (mayStay) gone.push(...surplus(node, situation, mayRetry));
    else gone.push(...pods.filter(isLiving).map((pod) => unwanted(pod, name)));
  }
  return { delete: gone, create };
}

const isLiving = ({ metadata }: Pod): boolean => metadata?.deletionTimestamp === undefined;
const unwanted = (pod: Pod, node: string): Deletion => ({ pod, node, because: "unwanted" });

/** Pods of a node that have ended, and those beyond the ones that may be there. */
function surplus(
  { name, pods }: NodePods,
  situation: Situation,
  mayRetry: (node: string) => boolean,
): readonly Deletion[] {
  const gone: Deletion[] = [];
  const running: Pod[] = [];
  for (const pod of pods.filter(isLiving)) {
    const phase = pod.status?.phase;
    if (phase === "Failed") {
      if (mayRetry(name)) gone.push({ pod, node: name, because: "failed" });
    } else if (phase === "Succeeded") gone.push({ pod, node: name, because: "succeeded" });
    else running.push(pod);
  }
  const tooMany = allowsSurge(situation.daemonSet)
    ? beyondSurge(running, situation)
    : running.slice(1);
  return [...gone, ...tooMany.map((pod) => unwanted(pod, name))];
}

/** One of each template may stay: the old one until it is of no use or the new one available. */
function beyondSurge(running: readonly Pod[], situation: Situation): readonly Pod[] {
  if (running.length < 2) return [];
  const { daemonSet, hash } = situation;
  const [fresh, ...freshRest] = running.filter((pod) => isUpdated(pod, daemonSet, hash));
  const [old, ...oldRest] = running.filter((pod) => !isUpdated(pod, daemonSet, hash));
  const replaced =
    fresh !== undefined && old !== undefined && (!isPodReady(old) || isAvailable(fresh, situation));
  return [...freshRest, ...oldRest, ...(replaced ? [old] : [])];
}
