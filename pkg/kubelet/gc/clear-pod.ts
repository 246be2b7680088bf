import type { Pod } from "../../../api/core/v1.ts";
import { pods as podsRef } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import type { Client } from "../../client/client.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isOrphan } from "../pods/pod-set.ts";
import { isDeleted, isStatic, nameOf, namespaceOf, uidOf } from "../pods/pod-spec.ts";
import { removePodCgroup } from "../runtime/pod-cgroups.ts";
import { logDirectoryOf } from "../runtime/sandbox-config.ts";
import type { PodContext } from "../worker/pod-context.ts";

const retryMs = 1_000;

/**
 * Clears away what a pod that has ended leaves: its files, its object when it was deleted, its
 * containers and its logs; in this order, so that a deleted pod's object stays until its volumes
 * are free. Each step is repeated until it succeeds or the signal aborts.
 */
export async function clearPod(
  pod: Pod,
  context: PodContext,
  client: Client | undefined,
  signal: AbortSignal,
): Promise<void> {
  const uid = uidOf(pod);
  context.prober.forget(uid);
  context.images.forgetPod(uid);
  context.objects.forget(uid);
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["remove the pod's files", () => context.files.remove(uid)],
    ["delete the pod's object", () => deleteObject(pod, client, signal)],
    ["remove the pod's containers", () => removeFromRuntime(uid, context)],
    ["remove the pod's cgroup", () => removePodCgroup(pod, context.settings, context.cgroups)],
    ["remove the pod's logs", () => context.files.removeLogs(logDirectory(pod, context))],
  ];
  for (const [what, step] of steps) await persist(what, step, pod, context, signal);
}

const logDirectory = (pod: Pod, { settings }: PodContext): string =>
  logDirectoryOf(pod, settings.podLogsPath);

async function persist(
  what: string,
  step: () => Promise<unknown>,
  pod: Pod,
  { clock, logger }: PodContext,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted)
    try {
      await step();
      return;
    } catch (error) {
      logger.warn({ pod: nameOf(pod), what, error: chainOf(error) }, "will be tried again");
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
}

async function deleteObject(
  pod: Pod,
  client: Client | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (client === undefined || isStatic(pod) || isOrphan(pod) || !isDeleted(pod)) return;
  const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
  const options = { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } };
  try {
    await client.resource(podsRef).delete(key, options, signal);
  } catch (error) {
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}

async function removeFromRuntime(uid: string, { cri, runtime }: PodContext): Promise<void> {
  const { containers, sandboxes } = await runtime.refresh(uid);
  for (const { id } of containers) await cri.removeContainer({ containerId: id });
  for (const { id } of sandboxes) await cri.removePodSandbox({ podSandboxId: id });
  await runtime.refresh(uid);
}
