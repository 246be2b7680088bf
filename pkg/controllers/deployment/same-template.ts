import type { Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";

/** The label that keeps the pods of a Deployment's ReplicaSets apart. */
export const templateHashLabel = "pod-template-hash";

/** True when the templates differ in nothing but the hash label. */
export function sameTemplate(replicaSet: ReplicaSet, deployment: Deployment): boolean {
  const { template } = replicaSet.spec;
  const { [templateHashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {};
  const { [templateHashLabel]: _other, ...wanted } =
    deployment.spec.template.metadata?.labels ?? {};
  return isSemanticallyEqual(
    { ...template, metadata: { ...template?.metadata, labels } },
    {
      ...deployment.spec.template,
      metadata: { ...deployment.spec.template.metadata, labels: wanted },
    },
  );
}
