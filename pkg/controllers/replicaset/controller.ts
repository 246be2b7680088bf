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
import { isReason } from "../../machinery/status-error.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { orphanIndex, orphanNamespace, wakeAdopters } from "../adoption.ts";
import { isPodActive, isPodTerminating } from "../pod-facts.ts";
import { slowStart } from "../slow-start.ts";
import { planClaims, planReplicas, type Claim } from "./plan.ts";
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
  const { changes, pods } = planClaims(replicaSet, [...own, ...free].filter(isPodActive));
  await applyClaims(replicaSet, changes, context, signal);

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

async function applyClaims(
  replicaSet: ReplicaSet,
  claims: readonly Claim[],
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = "", name = "", uid } = replicaSet.metadata ?? {};
  if (claims.some((claim) => claim.do === "adopt")) {
    // The cache may not know yet that the ReplicaSet is being deleted: adopting would kill the pod.
    const fresh = await client.resource(replicaSets).get({ namespace, name }, signal);
    if (fresh.metadata?.uid !== uid || fresh.metadata?.deletionTimestamp !== undefined)
      throw new Error(`replica set ${name} is being deleted and may not adopt pods`);
  }
  for (const { do: what, pod } of claims) {
    const others = (pod.metadata?.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
    const ownerReferences =
      what === "adopt" ? [...others, controllerReference(replicaSets, replicaSet)] : others;
    const { name: podName = "", uid: podUid, resourceVersion } = pod.metadata ?? {};
    // A patch and not an update: upstream's role for this controller allows no update of pods.
    const body = { metadata: { uid: podUid, resourceVersion, ownerReferences } };
    const key = { namespace, name: podName };
    await client.resource(podsRef).patch(key, { type: "merge", body }, {}, signal);
  }
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
  const [first] = changes;
  if (first?.do === "create")
    return slowStart(first.count, () => createPod(replicaSet, context, signal));
  const deleted = await Promise.allSettled(
    changes.map(async (change) => {
      if (change.do === "delete") await deletePod(replicaSet, change.pod, context, signal);
    }),
  );
  const failed = deleted.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
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

const isNamespaceEnding = (error: unknown): boolean =>
  isReason(error, "Forbidden") &&
  (error.details.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating");

async function createPod(
  replicaSet: ReplicaSet,
  { client, events }: Context,
  signal: AbortSignal,
): Promise<void> {
  const subject = { ref: replicaSets, object: replicaSet };
  try {
    const pod = await client.resource(podsRef).create(podOf(replicaSet), {}, signal);
    events.record(subject, "Normal", "SuccessfulCreate", `Created pod: ${pod.metadata?.name}`);
  } catch (error) {
    if (isNamespaceEnding(error)) return; // nothing can be created any more, nor need be
    events.record(subject, "Warning", "FailedCreate", `Error creating: ${chainOf(error)}`);
    throw error;
  }
}

async function deletePod(
  replicaSet: ReplicaSet,
  pod: Pod,
  { client, events }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace = "", uid } = pod.metadata ?? {};
  const subject = { ref: replicaSets, object: replicaSet };
  try {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.resource(podsRef).delete({ namespace, name }, preconditions, signal);
    events.record(subject, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
  } catch (error) {
    if (isReason(error, "NotFound", "Conflict")) return; // gone, or another one by now
    events.record(subject, "Warning", "FailedDelete", `Error deleting: ${chainOf(error)}`);
    throw error;
  }
}
