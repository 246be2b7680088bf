/** RollingUpdate: which pods of old templates go now, and which nodes get a second pod. Pure. */
import type { Pod } from "../../../api/core/v1.ts";
import type { Changes, Deletion } from "./changes.ts";
import { isUpdated } from "./daemon-pod.ts";
import { fenceposts } from "./limits.ts";
import { isAvailable, type NodePods, type Situation } from "./node-pods.ts";

/** A node of an update: at most one pod of each template, or `isMuddled` until that is so. */
interface Place {
  readonly node: NodePods;
  readonly fresh: Pod | undefined;
  readonly old: Pod | undefined;
  readonly isMuddled: boolean;
}

function placeOf(node: NodePods, { daemonSet, hash }: Situation): Place {
  const living = node.pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const fresh = living.filter((pod) => isUpdated(pod, daemonSet, hash));
  const old = living.filter((pod) => !isUpdated(pod, daemonSet, hash));
  const isMuddled = fresh.length > 1 || old.length > 1;
  return { node, fresh: fresh[0], old: old[0], isMuddled };
}

const deletion = (pod: Pod, { node }: Place): Deletion => ({
  pod,
  node: node.name,
  because: "unwanted",
});

export function planRollout(situation: Situation): Changes {
  const wanted = situation.nodes.filter(({ shouldRun }) => shouldRun).length;
  const { maxSurge, maxUnavailable } = fenceposts(situation.daemonSet, wanted);
  const places = situation.nodes
    .filter(({ shouldRun, pods }) => shouldRun || pods.length > 0)
    .map((node) => placeOf(node, situation));
  return maxSurge === 0
    ? replaceInPlace(places, maxUnavailable, situation)
    : replaceBySurge(places, { maxSurge, wanted }, situation);
}

/** Deletes old pods: unavailable ones at once, others as far as nodes may be without one. */
function replaceInPlace(
  places: readonly Place[],
  maxUnavailable: number,
  situation: Situation,
): Changes {
  let unavailable = 0;
  const useless: Deletion[] = [];
  const candidates: Deletion[] = [];
  for (const place of places) {
    const { fresh, old, isMuddled } = place;
    const isSingle = (fresh === undefined) !== (old === undefined);
    if (isMuddled || !isSingle) unavailable++;
    else if (fresh !== undefined) unavailable += isAvailable(fresh, situation) ? 0 : 1;
    else if (old !== undefined)
      (isAvailable(old, situation) ? candidates : useless).push(deletion(old, place));
  }
  const room = Math.max(0, maxUnavailable - unavailable);
  return { delete: [...useless, ...candidates.slice(0, room)], create: [] };
}

interface SurgeLimits {
  readonly maxSurge: number;
  /** Nodes that should have a pod. */
  readonly wanted: number;
}

/** Adds new pods beside old ones, and deletes an old one when its successor is available. */
function replaceBySurge(
  places: readonly Place[],
  { maxSurge, wanted }: SurgeLimits,
  situation: Situation,
): Changes {
  let surging = 0;
  let available = 0;
  const gone: Deletion[] = [];
  const leaving: Deletion[] = [];
  const urgent: string[] = [];
  const candidates: string[] = [];
  const is = (pod: Pod): boolean => isAvailable(pod, situation);
  for (const place of places) {
    const { node, fresh, old, isMuddled } = place;
    if (isMuddled) {
      surging++;
      continue;
    }
    const counted = old ?? fresh;
    if (counted !== undefined && is(counted)) available++;
    if (old === undefined) continue;
    if (fresh !== undefined) {
      if (is(fresh)) gone.push(deletion(old, place));
      else surging++;
    } else if (!node.shouldRun) (is(old) ? leaving : gone).push(deletion(old, place));
    else (is(old) ? candidates : urgent).push(node.name);
  }
  const room = Math.max(0, maxSurge - surging);
  // A node that is no longer meant keeps its pod until enough others have theirs.
  const spare = Math.max(0, available - wanted);
  return {
    delete: [...gone, ...leaving.slice(0, spare)],
    create: [...urgent, ...candidates.slice(0, room)],
  };
}
