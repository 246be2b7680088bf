import { chainOf } from "../../base/errors.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { findContainer } from "../pods/pod-spec.ts";
import type { RuntimeContainer } from "../runtime/runtime-pod.ts";
import { runHook } from "./lifecycle-hooks.ts";
import type { PodContext } from "./pod-context.ts";

export interface KillRequest {
  readonly pod: Pod;
  readonly container: RuntimeContainer;
  readonly graceSeconds: number;
  readonly message: string;
  readonly podIP: string;
}

/** After its preStop hook, a container has at least this long between SIGTERM and SIGKILL. */
const graceSecondsMin = 2;

/**
 * Ends one container: its preStop hook, SIGTERM, and SIGKILL when the grace period is over, all of
 * it within `graceSeconds`. `hurry` aborts when somebody no longer wants to wait that long: it
 * cuts the hook short, and the caller asks the runtime again with the shorter time.
 */
export async function killContainer(
  { pod, container, graceSeconds, message, podIP }: KillRequest,
  context: PodContext,
  hurry: AbortSignal,
): Promise<void> {
  const { clock, cri } = context;
  const spec = findContainer(pod, container.name)?.container;
  context.note(pod, "Normal", "Killing", message, spec);
  const startMs = clock.monotonic();
  const hook = spec?.lifecycle?.preStop;
  const graceMs = graceSeconds * 1000;
  if (
    hook !== undefined &&
    spec !== undefined &&
    graceSeconds > 0 &&
    container.phase === "running"
  ) {
    const ended = new AbortController();
    const stop = AbortSignal.any([hurry, ended.signal]);
    const target = { container: spec, containerId: container.id, podIP };
    await Promise.race([
      runHook(hook, target, context, stop).catch((error: unknown) => {
        if (stop.aborted) return;
        context.logger.warn({ pod: pod.metadata?.name, error: chainOf(error) }, "preStop failed");
        context.note(pod, "Warning", "FailedPreStopHook", "PreStopHook failed", spec);
      }),
      clock.sleep(graceMs, stop).catch(() => undefined),
    ]);
    ended.abort();
  }
  const left = Math.ceil((graceMs - (clock.monotonic() - startMs)) / 1000);
  const seconds = hurry.aborted ? 0 : Math.max(left, Math.min(graceSeconds, graceSecondsMin));
  await cri.stopContainer({ containerId: container.id, timeout: BigInt(seconds) });
}
