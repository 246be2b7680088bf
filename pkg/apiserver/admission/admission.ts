/**
 * Admission: what may change or refuse a write after it was authorised and decoded. A plugin is a
 * value; `default-admission.ts` is the list, and its order is the order in which they run.
 */
import type { KubeObject } from "../../../api/resource.ts";
import type { Clock } from "../../base/clock.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { Objects } from "../objects-contract.ts";
import type { Resource } from "../resource.ts";

export type AdmissionVerb = "create" | "update" | "delete" | "connect";

export interface Admission {
  readonly verb: AdmissionVerb;
  readonly resource: Resource;
  /** "" for the object itself. */
  readonly subresource: string;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  /** "" while a generated name is not known. */
  readonly name: string;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** As it would be written; of a delete, as it is. */
  readonly object: KubeObject;
  /** As it is; absent for a create. */
  readonly before: KubeObject | undefined;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface AdmissionPlugin {
  readonly name: string;
  readonly verbs: readonly AdmissionVerb[];
  /** Which kinds it looks at: "pods", "deployments.apps"; absent: all. */
  readonly resources?: readonly string[];
  /** The object changed, or undefined to leave it. Throws StatusError to refuse. */
  readonly admit?: (
    admission: Admission,
  ) => KubeObject | undefined | Promise<KubeObject | undefined>;
  /** After validation, on the final object. Throws StatusError to refuse. */
  readonly validate?: (admission: Admission) => void | Promise<void>;
}
