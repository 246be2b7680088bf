/**
 * What a delete does to an object: nothing in it is stored or asked here, so that the rules of
 * grace, finalizers and propagation are a table in the test.
 */
import type { KubeObject } from "../../../api/resource.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Resource } from "../resource.ts";

export interface DeletionRequest {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
}

export type Deletion =
  /** The object goes now. */
  | { readonly do: "remove" }
  /** It is written like this and goes when its finalizers, or its grace, are done. */
  | { readonly do: "mark"; readonly object: KubeObject }
  /** It is on its way already, and this request changes nothing. */
  | { readonly do: "nothing" };

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

function policyOf(resource: Resource, request: DeletionRequest, finalizers: readonly string[]) {
  if (request.orphanDependents === true) return "Orphan";
  if (request.orphanDependents === false) return "Background";
  if (request.propagationPolicy !== undefined) return request.propagationPolicy;
  if (finalizers.includes(orphanFinalizer)) return "Orphan";
  if (finalizers.includes(foregroundFinalizer)) return "Foreground";
  return resource.defaultPropagation ?? "Background";
}

/** The garbage collector's finalizers follow the policy; all others stay. */
function finalizersFor(
  resource: Resource,
  request: DeletionRequest,
  finalizers: readonly string[],
): readonly string[] {
  const policy = policyOf(resource, request, finalizers);
  const wanted =
    policy === "Foreground" ? foregroundFinalizer : policy === "Orphan" ? orphanFinalizer : "";
  const kept = finalizers.filter(
    (one) => one === wanted || (one !== foregroundFinalizer && one !== orphanFinalizer),
  );
  return wanted === "" || kept.includes(wanted) ? kept : [...kept, wanted];
}

/** Undefined: the kind, or the object in its state, knows no grace. */
function graceOf(resource: Resource, object: KubeObject, request: DeletionRequest) {
  const own = resource.gracePeriodSeconds?.(object);
  if (own === undefined) return undefined;
  const asked = request.gracePeriodSeconds ?? own;
  return asked < 0 ? 1 : asked;
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

/** True when nothing holds the object back any more. */
export const isFinished = (resource: Resource, object: KubeObject): boolean =>
  object.metadata?.deletionTimestamp !== undefined &&
  (object.metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  (object.metadata.finalizers?.length ?? 0) === 0 &&
  resource.deletion?.isPending(object) !== true;

export function planDeletion(
  resource: Resource,
  object: KubeObject,
  request: DeletionRequest,
  nowMs: number,
): Deletion {
  const metadata = object.metadata ?? {};
  const finalizers = finalizersFor(resource, request, metadata.finalizers ?? []);
  const graceSeconds = graceOf(resource, object, request) ?? 0;
  const held = finalizers.length > 0 || resource.deletion?.isPending(object) === true;
  if (graceSeconds === 0 && !held) return { do: "remove" };
  const marked = metadata.deletionTimestamp !== undefined;
  const old = metadata.deletionGracePeriodSeconds ?? 0;
  // A second delete may only shorten the grace that the first one gave.
  if (marked && graceSeconds >= old && sameTexts(finalizers, metadata.finalizers ?? [])) {
    return { do: "nothing" };
  }
  const seconds = marked ? Math.min(graceSeconds, old) : graceSeconds;
  const base = marked ? Date.parse(metadata.deletionTimestamp) - old * 1000 : nowMs;
  const generation = metadata.generation ?? 0;
  const next = {
    ...object,
    metadata: {
      ...metadata,
      deletionTimestamp: rfc3339(base + seconds * 1000),
      deletionGracePeriodSeconds: seconds,
      ...(finalizers.length === 0 && metadata.finalizers === undefined ? {} : { finalizers }),
      ...(generation > 0 && !marked ? { generation: generation + 1 } : {}),
    },
  };
  return { do: "mark", object: marked ? next : (resource.deletion?.marked(next) ?? next) };
}
