import type { Deployment, DeploymentStatus, ReplicaSet } from "../../../api/apps/v1.ts";
import { deployments, pods as podsRef, replicaSets } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import {
  done,
  owned,
  reads,
  requeueAfter,
  type Context,
  type Lookup,
  type Result,
} from "../../controller/controller.ts";
import {
  byControllerUid,
  controllerKey,
  controllerReference,
  controllerUidIndex,
  isControlledBy,
} from "../../controller/owner.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { orphanIndex, orphanNamespace, wakeAdopters } from "../adoption.ts";
import { selects } from "../label-selector.ts";
import { isPodTerminal } from "../pod-facts.ts";
import { revisionAnnotation, revisionOf } from "./annotations.ts";
import { replacing } from "./conditions.ts";
import { progressDeadlineMs } from "./limits.ts";
import { planDeployment, type Change } from "./plan.ts";
import { sizeOf } from "./scaling.ts";
import { sameTemplate } from "./same-template.ts";

/** Keeps the ReplicaSets of each Deployment. It never makes, changes or deletes a pod. */
export const deploymentController = defineController<Deployment>({
  name: "deployment",
  account: "deployment-controller",
  eventSource: "deployment-controller",
  reconciles: deployments,
  reads: [
    owned(replicaSets, deployments),
    reads(replicaSets, wakeAdopters(deployments), { [orphanIndex]: orphanNamespace }),
    // Only Recreate waits for pods, and only for their end.
    reads(podsRef, wakeOwnerOfOwner, { [controllerUidIndex]: byControllerUid }),
  ],
  writes: ["ReplicaSet", "Deployment/status", "Deployment/revision"],
  reconcile,
});

function wakeOwnerOfOwner(pod: Parameters<typeof isPodTerminal>[0], lookup: Lookup) {
  const replicaSetKey = controllerKey(pod, replicaSets);
  const replicaSet =
    replicaSetKey === undefined ? undefined : lookup.informer(replicaSets).get(replicaSetKey);
  const key = replicaSet === undefined ? undefined : controllerKey(replicaSet, deployments);
  if (key === undefined) return [];
  const deployment = lookup.informer(deployments).get(key);
  return deployment?.spec.strategy?.type === "Recreate" ? [key] : [];
}

async function reconcile(
  deployment: Deployment,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const own = await claim(deployment, context, signal);
  const podInformer = context.informer(podsRef);
  const oldPodsRun = (newest: ReplicaSet | undefined): boolean =>
    own
      .filter(({ metadata }) => metadata?.uid !== newest?.metadata?.uid)
      .some(({ metadata }) =>
        podInformer
          .byIndex(controllerUidIndex, metadata?.uid ?? "")
          .some((pod) => !isPodTerminal(pod)),
      );
  const nowMs = context.clock.now();
  const plan = planDeployment(deployment, { replicaSets: own, oldPodsRun, nowMs });
  for (const change of plan.changes) await apply(deployment, change, context, signal);
  const marked = await markRevision(deployment, plan.revision, context, signal);
  if (!isSemanticallyEqual(deployment.status, plan.status))
    await writeStatus(marked, plan.status, context, signal);
  return plan.checkInMs === undefined ? done : requeueAfter(plan.checkInMs);
}

/** Its ReplicaSets: selected ones that nobody owns are adopted, own ones no longer selected go. */
async function claim(
  deployment: Deployment,
  { client, ...lookup }: Context,
  signal: AbortSignal,
): Promise<readonly ReplicaSet[]> {
  const informer = lookup.informer(replicaSets);
  const { namespace = "", name = "", uid = "" } = deployment.metadata ?? {};
  const api = client.resource(replicaSets);
  const own = informer.byIndex(controllerUidIndex, uid);
  if (deployment.metadata?.deletionTimestamp !== undefined) return own;
  const isSelected = (set: ReplicaSet): boolean =>
    selects(deployment.spec.selector, set.metadata?.labels);
  for (const set of own.filter((one) => !isSelected(one))) {
    const ownerReferences = set.metadata?.ownerReferences?.filter((owner) => owner.uid !== uid);
    await api.update(
      { ...set, metadata: { ...set.metadata, ownerReferences: ownerReferences ?? [] } },
      {},
      signal,
    );
  }
  const free = informer
    .byIndex(orphanIndex, namespace)
    .filter((set) => isSelected(set) && set.metadata?.deletionTimestamp === undefined);
  if (free.length === 0) return own.filter(isSelected);
  const fresh = await client.resource(deployments).get({ namespace, name }, signal);
  if (fresh.metadata?.uid !== uid || fresh.metadata.deletionTimestamp !== undefined)
    throw new Error(`deployment ${name} is being deleted and may not adopt replica sets`);
  const adopted: ReplicaSet[] = [];
  for (const set of free) {
    const references = set.metadata?.ownerReferences ?? [];
    const ownerReferences = [...references, controllerReference(deployments, deployment)];
    const metadata = { ...set.metadata, ownerReferences };
    adopted.push(await api.update({ ...set, metadata }, {}, signal));
  }
  return [...own.filter(isSelected), ...adopted];
}

async function apply(
  deployment: Deployment,
  change: Change,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const api = context.client.resource(replicaSets);
  const { name = "", namespace = "" } = change.replicaSet.metadata ?? {};
  if (change.do === "create") return create(deployment, change.replicaSet, context, signal);
  if (change.do === "delete")
    return api.delete({ namespace, name }, {}, signal).catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
    });
  await api.update(change.replicaSet, {}, signal);
  recordScaling(deployment, name, sizeOf(change.before), sizeOf(change.replicaSet), context);
}

function recordScaling(
  deployment: Deployment,
  name: string,
  from: number,
  to: number,
  { events }: Context,
): void {
  if (from === to) return;
  const way = from < to ? "up" : "down";
  const message = `Scaled ${way} replica set ${name} from ${from} to ${to}`;
  const subject = { ref: deployments, object: deployment };
  events.record(subject, "Normal", "ScalingReplicaSet", message);
}

async function create(
  deployment: Deployment,
  replicaSet: ReplicaSet,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const api = context.client.resource(replicaSets);
  const { name = "", namespace = "" } = replicaSet.metadata ?? {};
  try {
    await api.create(replicaSet, {}, signal);
    recordScaling(deployment, name, 0, sizeOf(replicaSet), context);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) return failedCreate(deployment, name, error, context);
    const there = await api.get({ namespace, name }, signal);
    if (isControlledBy(there, deployment) && sameTemplate(there, deployment)) return;
    // Another template has this name: the next reconcile makes another name.
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    const status = { ...deployment.status, collisionCount };
    await writeStatus(deployment, status, context, signal);
    throw error;
  }
}

/** Says on the Deployment why its ReplicaSet could not be made; rejects with the same. */
async function failedCreate(
  deployment: Deployment,
  name: string,
  error: unknown,
  context: Context,
): Promise<void> {
  const reason = "ReplicaSetCreateError";
  const message = `Failed to create new replica set "${name}": ${chainOf(error)}`;
  context.events.record({ ref: deployments, object: deployment }, "Warning", reason, message);
  if (progressDeadlineMs(deployment) !== undefined) {
    const conditions = replacing(
      deployment.status?.conditions ?? [],
      { type: "Progressing", status: "False", reason, message },
      context.clock.now(),
    );
    const status = { ...deployment.status, conditions };
    await context.client
      .resource(deployments)
      .update({ ...deployment, status }, { subresource: "status" })
      .catch(() => undefined); // the failure itself is what must be told
  }
  throw error;
}

/** An update and not a patch: upstream's role for this controller allows no patch. */
async function markRevision(
  deployment: Deployment,
  revision: bigint | undefined,
  { client }: Context,
  signal: AbortSignal,
): Promise<Deployment> {
  if (revision === undefined || revision === 0n || revisionOf(deployment) === revision)
    return deployment;
  const annotations = {
    ...deployment.metadata?.annotations,
    [revisionAnnotation]: String(revision),
  };
  const metadata = { ...deployment.metadata, annotations };
  return client.resource(deployments).update({ ...deployment, metadata }, {}, signal);
}

const writeStatus = async (
  deployment: Deployment,
  status: DeploymentStatus,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> => {
  await client
    .resource(deployments)
    .update({ ...deployment, status }, { subresource: "status" }, signal);
};
