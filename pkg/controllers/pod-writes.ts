/** Pods made and deleted for their owner, with the events that tell of it on the owner. */
import type { Pod, PodCondition, PodStatus } from "../../api/core/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { pods } from "../../api/resources.ts";
import { rfc3339 } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Context } from "../controller/controller.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Owner } from "./claims.ts";
import { nextPodCondition } from "./pod-facts.ts";

const isNamespaceEnding = (error: unknown): boolean =>
  isReason(error, "Forbidden") &&
  (error.details.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating");

export async function createPod<O extends KubeObject>(
  owner: Owner<O>,
  pod: Pod,
  { client, events }: Context,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { metadata } = await client.resource(pods).create(pod, {}, signal);
    events.record(owner, "Normal", "SuccessfulCreate", `Created pod: ${metadata?.name}`);
  } catch (error) {
    if (isNamespaceEnding(error)) return; // nothing can be created any more, nor need be
    events.record(owner, "Warning", "FailedCreate", `Error creating: ${chainOf(error)}`);
    throw error;
  }
}

/** This very pod; one that is gone already, or another of its name, is left alone. */
export async function deletePod<O extends KubeObject>(
  owner: Owner<O>,
  pod: Pod,
  { client, events }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { name = "", namespace = "", uid } = pod.metadata ?? {};
  try {
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.resource(pods).delete({ namespace, name }, preconditions, signal);
    events.record(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
  } catch (error) {
    if (isReason(error, "NotFound", "Conflict")) return; // gone, or another one by now
    events.record(owner, "Warning", "FailedDelete", `Error deleting: ${chainOf(error)}`);
    throw error;
  }
}

/** All of them at once; rejects with the first failure, after all were tried. */
export async function deletePods<O extends KubeObject>(
  owner: Owner<O>,
  unwanted: readonly Pod[],
  context: Context,
  signal: AbortSignal,
): Promise<void> {
  const deleted = await Promise.allSettled(
    unwanted.map((pod) => deletePod(owner, pod, context, signal)),
  );
  const failed = deleted.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * Writes one condition, and what else is to be in the status. The other conditions are left as they
 * are: what our cache says of them may be older. Rejects with Conflict where another pod has the
 * name by now.
 */
export async function writePodCondition(
  pod: Pod,
  condition: Omit<PodCondition, "lastTransitionTime">,
  { client, clock }: Pick<Context, "client" | "clock">,
  signal: AbortSignal,
  more: Partial<PodStatus> = {},
): Promise<void> {
  const { name = "", namespace = "", uid } = pod.metadata ?? {};
  const conditions = [nextPodCondition(pod, condition, rfc3339(clock.now()))];
  const body = { metadata: { uid }, status: { ...more, conditions } };
  const options = { subresource: "status" };
  await client
    .resource(pods)
    .patch({ namespace, name }, { type: "strategic", body }, options, signal);
}
