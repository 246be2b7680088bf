import type { DaemonSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { controllerRevisions, daemonSets, nodes, pods as podsRef } from "../../../api/resources.ts";
import { keyOf } from "../../client/informer-store.ts";
import {
  done,
  owned,
  reads,
  requeueAfter,
  type Context,
  type Definition,
  type Program,
  type Result,
} from "../../controller/controller.ts";
import { controllerUidIndex } from "../../controller/owner.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { orphanIndex, orphanNamespace, wakeAdopters } from "../adoption.ts";
import { applyClaims } from "../claims.ts";
import { planClaims } from "../claims-plan.ts";
import { createPod, deletePods } from "../pod-writes.ts";
import { slowStart } from "../slow-start.ts";
import type { Because, Changes, Deletion } from "./changes.ts";
import { podFor } from "./daemon-pod.ts";
import { FailedPods } from "./failed-pods.ts";
import { dropOutdated, keepRevisions } from "./keep-revisions.ts";
import { NodeChanges } from "./node-changes.ts";
import { situationOf, type Situation } from "./node-pods.ts";
import { planDaemonSet } from "./plan.ts";
import { hashOf } from "./revisions.ts";
import { daemonSetStatus, nextAvailableInMs } from "./status.ts";

const name = "daemonset";
const account = "daemon-set-controller";
const writes = ["DaemonSet/status", "Pod/daemon", "ControllerRevision"] as const;

/** Keeps a pod of each DaemonSet on every node that suits. It binds none: the scheduler does. */
export const daemonSetController: Program = {
  name,
  account,
  writes,
  // What failed lately, and how the nodes were, is remembered within one run.
  run: (doors, signal) => {
    const failures = new FailedPods(doors.clock);
    return defineController(definition(failures, new NodeChanges())).run(doors, signal);
  },
};

const definition = (failures: FailedPods, changes: NodeChanges): Definition<DaemonSet> => ({
  name,
  account,
  eventSource: "daemonset-controller",
  reconciles: daemonSets,
  reads: [
    owned(podsRef, daemonSets),
    reads(podsRef, wakeAdopters(daemonSets), { [orphanIndex]: orphanNamespace }),
    owned(controllerRevisions, daemonSets),
    reads(controllerRevisions, wakeAdopters(daemonSets), { [orphanIndex]: orphanNamespace }),
    reads(nodes, changes.wakes),
  ],
  writes,
  reconcile: (daemonSet, context, signal) =>
    daemonSet.metadata?.deletionTimestamp === undefined
      ? reconcile(daemonSet, failures, context, signal)
      : Promise.resolve(done),
  gone: (key) => Promise.resolve(failures.forget(key)),
});

async function reconcile(
  daemonSet: DaemonSet,
  failures: FailedPods,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const pods = await claimPods(daemonSet, context, signal);
  const revisions = await keepRevisions(daemonSet, pods, context, signal);
  const situation = situationOf(daemonSet, {
    nodes: context.informer(nodes).list(),
    pods,
    hash: hashOf(revisions.current),
    nowMs: context.clock.now(),
  });
  const key = keyOf(daemonSet);
  const waits: number[] = [];
  const changes = planDaemonSet(situation, (node) => {
    const waitMs = failures.waitMs(key, node);
    if (waitMs > 0) waits.push(waitMs);
    return waitMs === 0;
  });
  const failure = await apply(situation, changes, context, signal).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  for (const { because, node } of changes.delete)
    if (because === "failed") failures.count(key, node);
  await dropOutdated(daemonSet, revisions, pods, context, signal);
  await writeStatus(situation, context, signal);
  if (failure !== undefined) throw failure.error;
  const availableInMs = nextAvailableInMs(situation);
  if (availableInMs !== undefined) waits.push(availableInMs);
  return waits.length === 0 ? done : requeueAfter(Math.min(...waits));
}

async function claimPods(
  daemonSet: DaemonSet,
  context: Context,
  signal: AbortSignal,
): Promise<readonly Pod[]> {
  const informer = context.informer(podsRef);
  const own = informer.byIndex(controllerUidIndex, daemonSet.metadata?.uid ?? "");
  const free = informer.byIndex(orphanIndex, daemonSet.metadata?.namespace ?? "");
  const claims = planClaims(daemonSet, [...own, ...free]);
  const owner = { ref: daemonSets, object: daemonSet };
  await applyClaims(owner, podsRef, claims.changes, context, signal);
  return claims.own;
}

async function apply(
  { daemonSet, hash }: Situation,
  changes: Changes,
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const owner = { ref: daemonSets, object: daemonSet };
  for (const deletion of changes.delete) tell(daemonSet, deletion, context);
  const create = slowStart(changes.create.length, (at) =>
    createPod(owner, podFor(daemonSet, changes.create[at] ?? "", hash), context, signal),
  );
  const unwanted = changes.delete.map(({ pod }) => pod);
  const results = await Promise.allSettled([create, deletePods(owner, unwanted, context, signal)]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

const told: { readonly [B in Because]?: readonly [type: "Normal" | "Warning", reason: string] } = {
  failed: ["Warning", "FailedDaemonPod"],
  succeeded: ["Normal", "SucceededDaemonPod"],
};

function tell(object: DaemonSet, { pod, node, because }: Deletion, { events }: Context): void {
  const event = told[because];
  if (event === undefined) return;
  const { namespace = "", name: podName = "" } = pod.metadata ?? {};
  const what = because === "failed" ? "will try to kill it" : "will try to delete it";
  const message = `Found ${because} daemon pod ${namespace}/${podName} on node ${node}, ${what}`;
  events.record({ ref: daemonSets, object }, event[0], event[1], message);
}

async function writeStatus(
  situation: Situation,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { daemonSet } = situation;
  const status = daemonSetStatus(situation);
  if (isSemanticallyEqual(daemonSet.status, status)) return;
  const options = { subresource: "status" };
  await client.resource(daemonSets).update({ ...daemonSet, status }, options, signal);
}
