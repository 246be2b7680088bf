import type { LabelSelector } from "../../../api/meta/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { formatRequirements, requirementsOf } from "../../machinery/label-selector.ts";
import type { Resource } from "../resource.ts";

interface Scalable extends KubeObject {
  readonly spec?: { readonly replicas?: number; readonly selector: LabelSelector };
  readonly status?: { readonly replicas?: number };
}

/** /scale of a kind with spec.replicas, status.replicas and a label selector. */
export const replicaScale = <T extends Scalable>(): NonNullable<Resource<T>["scale"]> => ({
  replicas: ({ spec }) => spec?.replicas ?? 0,
  statusReplicas: ({ status }) => status?.replicas ?? 0,
  selector: ({ spec }) =>
    spec?.selector === undefined ? "" : formatRequirements(requirementsOf(spec.selector)),
  scaled: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
});
