import type { ReplicaSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { pods as podsRef, replicaSets } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import {
  done,
  owned,
  reads,
  requeueAfter,
  type Context,
  type Result,
} from "../../controller/controller.ts";
import {
  byControllerUid,
  controllerOf,
  controllerReference,
  controllerUidIndex,
} from "../../controller/owner.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { orphanIndex, orphanNamespace, wakeAdopters } from "../adoption.ts";
import { applyClaims } from "../claims.ts";
import { planClaims } from "../claims-plan.ts";
import { isPodActive, isPodTerminating } from "../pod-facts.ts";
import { createPod, deletePods } from "../pod-writes.ts";
import { slowStart } from "../slow-start.ts";
import { planReplicas } from "./plan.ts";
import { nextAvailableInMs, replicaSetStatus } from "./status.ts";

/** Keeps as many pods as each ReplicaSet says. It never restarts or moves one. */
export const replicaSetController = defineController<ReplicaSet>({
  name: "replicaset",
  account: "replicaset-controller",
  eventSource: "replicaset-controller",
  reconciles: replicaSets,
  indexes: { [controllerUidIndex]: byControllerUid },
  reads: [
    owned(podsRef, replicaSets),
    reads(podsRef, wakeAdopters(replicaSets), { [orphanIndex]: orphanNamespace }),
  ],
  writes: ["Pod", "ReplicaSet/status"],
  reconcile,
});

async function reconcile(
  replicaSet: ReplicaSet,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const informer = context.informer(podsRef);
  const own = informer.byIndex(controllerUidIndex, replicaSet.metadata?.uid ?? "");
  const free = informer.byIndex(orphanIndex, replicaSet.metadata?.namespace ?? "");
  const { changes, own: pods } = planClaims(replicaSet, [...own, ...free].filter(isPodActive));
  const owner = { ref: replicaSets, object: replicaSet };
  await applyClaims(owner, podsRef, changes, context, signal);

  const nowMs = context.clock.now();
  let failure: unknown;
  try {
    await applyReplicas(replicaSet, pods, context, signal);
  } catch (error) {
    failure = error;
  }
  const status = replicaSetStatus(replicaSet, {
    pods,
    terminating: own.filter(isPodTerminating).length,
    failure: failure === undefined ? undefined : chainOf(failure),
    nowMs,
  });
  if (!isSemanticallyEqual(replicaSet.status, status))
    await context.client
      .resource(replicaSets)
      .update({ ...replicaSet, status }, { subresource: "status" }, signal);
  if (failure !== undefined) throw failure;
  const wait = nextAvailableInMs(replicaSet, pods, nowMs);
  return wait === undefined ? done : requeueAfter(wait);
}

async function applyReplicas(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const changes = planReplicas(
    replicaSet,
    pods,
    relatedPods(replicaSet, context),
    context.clock.now(),
  );
  const owner = { ref: replicaSets, object: replicaSet };
  const [first] = changes;
  if (first?.do === "create") {
    const pod = podOf(replicaSet);
    return slowStart(first.count, () => createPod(owner, pod, context, signal));
  }
  const unwanted = changes.flatMap((change) => (change.do === "delete" ? [change.pod] : []));
  await deletePods(owner, unwanted, context, signal);
}

/** Active pods of all ReplicaSets that have the same owner, its own among them. */
function relatedPods(replicaSet: ReplicaSet, context: Context): readonly Pod[] {
  const owner = controllerOf(replicaSet)?.uid;
  const sets =
    owner === undefined
      ? [replicaSet]
      : context.informer(replicaSets).byIndex(controllerUidIndex, owner);
  const informer = context.informer(podsRef);
  return sets
    .flatMap(({ metadata }) => informer.byIndex(controllerUidIndex, metadata?.uid ?? ""))
    .filter(isPodActive);
}

/** The pod that a ReplicaSet's template describes. */
export const podOf = (replicaSet: ReplicaSet): Pod => {
  const { template } = replicaSet.spec;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    metadata: {
      generateName: `${replicaSet.metadata?.name ?? ""}-`,
      namespace: replicaSet.metadata?.namespace ?? "",
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(replicaSets, replicaSet)],
    },
    spec: template?.spec ?? { containers: [] },
  };
};
