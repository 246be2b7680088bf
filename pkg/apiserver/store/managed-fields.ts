/**
 * Who set which field. It costs a walk over the whole object, so it is kept where somebody asks
 * for it: from the first write that names its fieldManager (kubectl does) or applies. An object
 * that only programs write, which name none, carries no such record, and an apply to it counts all
 * that is there as set before the first apply, as upstream does for objects without a record.
 */
import type { KubeObject } from "../../../api/resource.ts";
import { apiVersionOf } from "../../../api/resource.ts";
import { rfc3339 } from "../../base/clock.ts";
import {
  applyObject,
  type ManagedWrite,
  recordUpdate,
} from "../../machinery/apply/server-side-apply.ts";
import { kubernetesSchema } from "../../machinery/schema.ts";
import type { Resource } from "../resource.ts";
import type { WriteContext } from "./write-context.ts";

type Whole = KubeObject & Readonly<Record<string, unknown>>;

/** What a write through the object, or through a subresource, never sets. */
function resetsOf({ status }: Resource, subresource: string): readonly string[] {
  if (subresource === "status") return ["spec"];
  return status === undefined ? [] : ["status"];
}

const writeOf = (
  resource: Resource,
  subresource: string,
  { fieldManager }: WriteContext,
  nowMs: number,
): ManagedWrite => ({
  schema: kubernetesSchema,
  key: resource.ref.schema,
  manager: fieldManager.name,
  apiVersion: apiVersionOf(resource.ref),
  ...(subresource === "" ? {} : { subresource }),
  now: rfc3339(nowMs),
  resets: resetsOf(resource, subresource),
});

const isTracked = (object: KubeObject | undefined): boolean =>
  (object?.metadata?.managedFields?.length ?? 0) > 0;

export interface Recorded {
  readonly resource: Resource;
  readonly subresource: string;
  readonly context: WriteContext;
  readonly nowMs: number;
}

/** The object with its record brought up to date; as it is where nobody keeps one. */
export function recordFields(
  object: KubeObject,
  before: KubeObject | undefined,
  { resource, subresource, context, nowMs }: Recorded,
): KubeObject {
  if (!isTracked(before) && !context.fieldManager.isNamed) return object;
  const write = writeOf(resource, subresource, context, nowMs);
  return recordUpdate(write, before as Whole | undefined, object as Whole);
}

/** Server-side apply. `live` is not changed. Throws StatusError "Conflict" unless forced. */
export const applyFields = (
  live: KubeObject | undefined,
  config: KubeObject,
  isForced: boolean,
  { resource, subresource, context, nowMs }: Recorded,
): KubeObject =>
  applyObject(
    { ...writeOf(resource, subresource, context, nowMs), force: isForced },
    live as Whole | undefined,
    config as Whole,
  );
