import type { Pod } from "../../../api/core/v1.ts";
import type { CriService } from "../../../api/cri/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { uidOf } from "../pods/pod-spec.ts";
import { createPodCgroup } from "../runtime/pod-cgroups.ts";
import { sandboxConfig } from "../runtime/sandbox-config.ts";
import type { PodContext } from "./pod-context.ts";

/** Makes the pod's sandbox. Tells people when that fails, and rejects with the reason. */
export async function createSandbox(pod: Pod, attempt: number, context: PodContext): Promise<void> {
  const { cri, settings, cgroups, note } = context;
  try {
    await createPodCgroup(pod, settings, cgroups);
    const runtimeHandler = pod.spec.runtimeClassName ?? "";
    const firstHostId = await firstHostIdOf(pod, context);
    if (firstHostId !== undefined) await checkUserNamespaces(cri, runtimeHandler);
    await cri.runPodSandbox({
      config: sandboxConfig(pod, attempt, settings, firstHostId),
      runtimeHandler,
    });
  } catch (cause) {
    const message = `Failed to create pod sandbox: ${chainOf(cause)}`;
    note(pod, "Warning", "FailedCreatePodSandBox", message);
    throw cause;
  }
}

/** The host's id of the pod's root, where the pod has users of its own. */
export const firstHostIdOf = async (
  pod: Pod,
  { files }: Pick<PodContext, "files">,
): Promise<number | undefined> =>
  pod.spec.hostUsers === false ? await files.firstHostId(uidOf(pod)) : undefined;

/** A runtime that does not know them would start the pod with the host's users, and say nothing. */
async function checkUserNamespaces(cri: CriService, handler: string): Promise<void> {
  const { runtimeHandlers = [] } = await cri.status({});
  const found = runtimeHandlers.find(({ name = "" }) => name === handler);
  if (found?.features?.userNamespaces === true) return;
  throw new Error(`hostUsers: the runtime has no user namespaces (handler "${handler}")`);
}
