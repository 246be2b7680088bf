import type { Pod } from "../../../api/core/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { createPodCgroup } from "../runtime/pod-cgroups.ts";
import { sandboxConfig } from "../runtime/sandbox-config.ts";
import type { PodContext } from "./pod-context.ts";

/** Makes the pod's sandbox. Tells people when that fails, and rejects with the reason. */
export async function createSandbox(
  pod: Pod,
  attempt: number,
  { cri, settings, cgroups, note }: PodContext,
): Promise<void> {
  try {
    await createPodCgroup(pod, settings, cgroups);
    await cri.runPodSandbox({
      config: sandboxConfig(pod, attempt, settings),
      runtimeHandler: pod.spec.runtimeClassName ?? "",
    });
  } catch (cause) {
    const message = `Failed to create pod sandbox: ${chainOf(cause)}`;
    note(pod, "Warning", "FailedCreatePodSandBox", message);
    throw cause;
  }
}
