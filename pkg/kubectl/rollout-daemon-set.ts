/** What a DaemonSet's rollout has come to, and its ControllerRevisions. Pure. */
import type { ControllerRevision, DaemonSet } from "../../api/apps/v1.ts";
import { UsageError } from "../base/flags.ts";
import { isSemanticallyEqual } from "../machinery/equality.ts";
import { isFields, type Fields } from "../machinery/fields.ts";
import type { RolloutStatus } from "./rollout-plan.ts";

/** kubectl's sentences. Throws UsageError where nothing rolls. */
export function daemonSetStatus({ metadata = {}, spec, status }: DaemonSet): RolloutStatus {
  if ((spec?.updateStrategy?.type ?? "RollingUpdate") !== "RollingUpdate")
    throw new UsageError("rollout status is only available for RollingUpdate strategy type");
  const name = metadata.name ?? "";
  const waiting = (what: string): RolloutStatus => ({
    isDone: false,
    message: `Waiting for daemon set ${what}`,
  });
  if ((metadata.generation ?? 0) > (status?.observedGeneration ?? 0))
    return waiting("spec update to be observed...");
  const {
    desiredNumberScheduled: wanted = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status ?? {};
  if (updated < wanted)
    return waiting(
      `"${name}" rollout to finish: ${updated} out of ${wanted} new pods have been updated...`,
    );
  if (available < wanted)
    return waiting(
      `"${name}" rollout to finish: ${available} of ${wanted} updated pods are available...`,
    );
  return { isDone: true, message: `daemon set "${name}" successfully rolled out` };
}

/** The pod template that the revision keeps. */
export function keptTemplate({ data }: ControllerRevision): Fields {
  const spec = isFields(data) ? data["spec"] : undefined;
  const template = isFields(spec) ? spec["template"] : undefined;
  if (!isFields(template)) return {};
  const { $patch: _how, ...rest } = template;
  return rest;
}

export const hasTemplate = ({ spec }: DaemonSet, template: Fields): boolean =>
  isSemanticallyEqual(spec?.template, template);
