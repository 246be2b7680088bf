import type { ControllerRevision, DaemonSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { controllerRevisions, daemonSets, pods as podsRef } from "../../../api/resources.ts";
import type { Context } from "../../controller/controller.ts";
import { controllerUidIndex } from "../../controller/owner.ts";
import { isReason } from "../../machinery/status-error.ts";
import { orphanIndex } from "../adoption.ts";
import { applyClaims } from "../claims.ts";
import { planClaims } from "../claims-plan.ts";
import { revisionHashLabel } from "./daemon-pod.ts";
import { hashOf, keepsTemplate, outdated, planRevisions, type RevisionPlan } from "./revisions.ts";

type Revisions = readonly ControllerRevision[];

/** Brings the DaemonSet's revisions to what its template says; resolves with the plan of them. */
export async function keepRevisions(
  daemonSet: DaemonSet,
  pods: readonly Pod[],
  context: Context,
  signal: AbortSignal,
): Promise<RevisionPlan> {
  const plan = planRevisions(daemonSet, await claimRevisions(daemonSet, context, signal));
  const api = context.client.resource(controllerRevisions);
  if (plan.do === "update") await api.update(plan.current, {}, signal);
  if (plan.do === "create") await create(daemonSet, plan.current, context, signal);
  const hash = hashOf(plan.current);
  for (const double of plan.doubles) {
    await relabel(pods, { from: hashOf(double), to: hash }, context, signal);
    await remove(double, context, signal);
  }
  return plan;
}

async function claimRevisions(
  daemonSet: DaemonSet,
  context: Context,
  signal: AbortSignal,
): Promise<Revisions> {
  const informer = context.informer(controllerRevisions);
  const own = informer.byIndex(controllerUidIndex, daemonSet.metadata?.uid ?? "");
  const free = informer.byIndex(orphanIndex, daemonSet.metadata?.namespace ?? "");
  const claims = planClaims(daemonSet, [...own, ...free]);
  const owner = { ref: daemonSets, object: daemonSet };
  await applyClaims(owner, controllerRevisions, claims.changes, context, signal);
  return claims.own;
}

async function create(
  daemonSet: DaemonSet,
  revision: ControllerRevision,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const api = client.resource(controllerRevisions);
  try {
    await api.create(revision, {}, signal);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    const { namespace = "", name = "" } = revision.metadata ?? {};
    const there = await api.get({ namespace, name }, signal);
    if (keepsTemplate(there, daemonSet)) return;
    // Another template has this name: the next reconcile makes another name.
    const collisionCount = (daemonSet.status?.collisionCount ?? 0) + 1;
    const status = { ...noStatus, ...daemonSet.status, collisionCount };
    const options = { subresource: "status" };
    await client.resource(daemonSets).update({ ...daemonSet, status }, options, signal);
    throw error;
  }
}

const noStatus = {
  currentNumberScheduled: 0,
  numberMisscheduled: 0,
  desiredNumberScheduled: 0,
  numberReady: 0,
} as const;

async function relabel(
  pods: readonly Pod[],
  { from, to }: { readonly from: string; readonly to: string },
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata = {} } of pods) {
    if (metadata.labels?.[revisionHashLabel] !== from || from === to) continue;
    const { namespace = "", name = "", uid } = metadata;
    const body = { metadata: { uid, labels: { [revisionHashLabel]: to } } };
    await client.resource(podsRef).patch({ namespace, name }, { type: "merge", body }, {}, signal);
  }
}

async function remove(
  { metadata }: ControllerRevision,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = "", name = "" } = metadata ?? {};
  const api = client.resource(controllerRevisions);
  await api.delete({ namespace, name }, {}, signal).catch((error: unknown) => {
    if (!isReason(error, "NotFound")) throw error;
  });
}

/** Deletes revisions beyond the DaemonSet's limit. */
export async function dropOutdated(
  daemonSet: DaemonSet,
  { old }: RevisionPlan,
  pods: readonly Pod[],
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  for (const revision of outdated(daemonSet, old, pods)) await remove(revision, context, signal);
}
