/**
 * What a Deployment's rollout has come to, and how to go back: decided from objects alone. Pure.
 */
import type { Deployment, ReplicaSet } from "../../api/apps/v1.ts";
import { UsageError } from "../base/flags.ts";
import { isEqual } from "../machinery/equality.ts";

export const revisionKey = "deployment.kubernetes.io/revision";
export const changeCauseKey = "kubernetes.io/change-cause";
const templateHashLabel = "pod-template-hash";

export interface RolloutStatus {
  readonly message: string;
  readonly isDone: boolean;
}

/** kubectl's sentences. Throws UsageError when the rollout has failed for good. */
export function rolloutStatus(deployment: Deployment): RolloutStatus {
  const { metadata = {}, spec, status = {} } = deployment;
  const name = metadata.name ?? "";
  const waiting = (what: string): RolloutStatus => ({
    isDone: false,
    message: `Waiting for deployment ${what}`,
  });
  if ((metadata.generation ?? 0) > (status.observedGeneration ?? 0)) {
    return waiting("spec update to be observed...");
  }
  const progress = status.conditions?.find((one) => one.type === "Progressing");
  if (progress?.reason === "ProgressDeadlineExceeded") {
    throw new UsageError(`deployment "${name}" exceeded its progress deadline`);
  }
  const wanted = spec?.replicas ?? 1;
  const { updatedReplicas: updated = 0, replicas = 0, availableReplicas: available = 0 } = status;
  if (updated < wanted) {
    return waiting(
      `"${name}" rollout to finish: ${updated} out of ${wanted} new replicas have been updated...`,
    );
  }
  if (replicas > updated) {
    return waiting(
      `"${name}" rollout to finish: ${replicas - updated} old replicas are pending termination...`,
    );
  }
  if (available < updated) {
    return waiting(
      `"${name}" rollout to finish: ${available} of ${updated} updated replicas are available...`,
    );
  }
  return { isDone: true, message: `deployment "${name}" successfully rolled out` };
}

export const revisionOf = (replicaSet: ReplicaSet): number =>
  Number(replicaSet.metadata?.annotations?.[revisionKey] ?? 0);

/** A deployment's own replica sets, oldest revision first. */
export const revisionsOf = (
  deployment: Deployment,
  replicaSets: readonly ReplicaSet[],
): readonly ReplicaSet[] =>
  replicaSets
    .filter(({ metadata }) =>
      metadata?.ownerReferences?.some(
        (owner) => owner.controller === true && owner.uid === deployment.metadata?.uid,
      ),
    )
    .filter((one) => revisionOf(one) > 0)
    .toSorted((a, b) => revisionOf(a) - revisionOf(b));

/** The pod template as the deployment would carry it. */
export const templateOf = (replicaSet: ReplicaSet): Record<string, unknown> =>
  withoutHash(replicaSet.spec?.template);

type Template = NonNullable<ReplicaSet["spec"]>["template"];

/** Without the label that the controller adds. */
function withoutHash(whole: Template | undefined): Record<string, unknown> {
  const { metadata, ...template } = whole ?? {};
  const { [templateHashLabel]: _hash, ...labels } = metadata?.labels ?? {};
  return { ...template, metadata: { ...metadata, labels } };
}

/** The deployment's own template already says what the revision says. */
export const isSameTemplate = ({ spec }: Deployment, revision: ReplicaSet): boolean =>
  isEqual(withoutHash(spec?.template), templateOf(revision));
