/** What the server, and only the server, writes into an object's metadata. */
import type { ObjectMeta } from "../../../api/meta/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import { isEqual } from "../../machinery/equality.ts";
import { limits } from "../limits.ts";
import type { Resource } from "../resource.ts";

/** web- → web-x7k2q, cut so that the name stays a label's length. */
export const generatedName = (base: string, random: Random): string =>
  `${base.slice(0, limits.generatedNameBaseMax)}${random.suffix(5)}`;

export interface Birth {
  readonly resource: Resource;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** Of a new object: identity and birth are ours, whatever the client sent. */
export function bornMeta(
  sent: ObjectMeta,
  { resource, namespace, clock, random }: Birth,
): ObjectMeta {
  const { name, generateName, labels, annotations, ownerReferences, finalizers } = sent;
  const born = {
    name: name === undefined || name === "" ? generatedName(generateName ?? "", random) : name,
    generateName,
    namespace: namespace === "" ? undefined : namespace,
    uid: random.uuid(),
    generation: resource.countsGenerations === true ? 1 : undefined,
    creationTimestamp: rfc3339(clock.now()),
    labels,
    annotations,
    ownerReferences,
    finalizers,
    managedFields: sent.managedFields,
  };
  return dropUndefined(born);
}

/** `JSON.stringify` would drop them too; but objects are compared and patched before that. */
function dropUndefined(meta: Readonly<Record<string, unknown>>): ObjectMeta {
  const kept: Record<string, unknown> = {};
  for (const key in meta) if (meta[key] !== undefined) kept[key] = meta[key];
  return kept as ObjectMeta;
}

/** Of a changed object: what a client cannot change is as it was, where the client left it out. */
export function keptMeta(sent: ObjectMeta, before: ObjectMeta): ObjectMeta {
  return dropUndefined({
    ...sent,
    name: sent.name ?? before.name,
    namespace: sent.namespace ?? before.namespace,
    resourceVersion: before.resourceVersion,
    uid: sent.uid === undefined || sent.uid === "" ? before.uid : sent.uid,
    creationTimestamp: before.creationTimestamp,
    deletionTimestamp: before.deletionTimestamp,
    deletionGracePeriodSeconds: before.deletionGracePeriodSeconds,
    generation: before.generation,
    generateName: sent.generateName ?? before.generateName,
    selfLink: undefined,
  });
}

/** True when something other than metadata and status differs. */
export function specChanged(object: KubeObject, before: KubeObject): boolean {
  const now = object as Readonly<Record<string, unknown>>;
  const old = before as Readonly<Record<string, unknown>>;
  for (const key of new Set([...Object.keys(now), ...Object.keys(old)])) {
    if (key === "metadata" || key === "status" || key === "kind" || key === "apiVersion") continue;
    // Fields come in another order from protobuf than from JSON: that is no change.
    if (now[key] !== old[key] && !isEqual(now[key], old[key])) return true;
  }
  return false;
}
