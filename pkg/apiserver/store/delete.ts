/** Deleting: at once, with grace, or when the finalizers are done. Rules: `deletion-plan.ts`. */
import type { KubeObject } from "../../../api/resource.ts";
import { conflict } from "../refusals.ts";
import type { Resource } from "../resource.ts";
import { type DeletionRequest, planDeletion } from "./deletion-plan.ts";
import type { Change, Changed, ResourceStore, StoredName } from "./resource-store.ts";
import { afterRemoval } from "./update.ts";
import type { WriteContext } from "./write-context.ts";

export interface DeleteRequest extends DeletionRequest {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export async function deleteObject(
  store: ResourceStore,
  target: StoredName,
  request: DeleteRequest,
  context: WriteContext,
): Promise<Changed> {
  const { resource, parts } = store;
  const changed = await store.change(target, context, async (current): Promise<Change> => {
    checkPreconditions(resource, target.name, current, request);
    await parts.admission.validate({
      verb: "delete",
      resource,
      subresource: "",
      namespace: target.namespace,
      name: target.name,
      user: context.user,
      dryRun: context.dryRun,
      object: current,
      before: current,
      objects: parts.objects,
      clock: parts.clock,
      signal: context.signal,
    });
    const deletion = planDeletion(resource, current, request, parts.clock.now());
    return deletion.do === "mark" ? { do: "write", object: deletion.object } : deletion;
  });
  if (changed.isRemoved) await afterRemoval(store, changed.entry, context);
  return changed;
}

function checkPreconditions(
  { ref }: Resource,
  name: string,
  { metadata = {} }: KubeObject,
  { preconditions = {} }: DeleteRequest,
): void {
  const { uid, resourceVersion } = preconditions;
  if (uid !== undefined && uid !== metadata.uid) {
    throw conflict(
      ref,
      name,
      `the UID in the precondition (${uid}) does not match the UID in record ` +
        `(${metadata.uid ?? ""}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw conflict(
      ref,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ` +
        `ResourceVersion in record (${metadata.resourceVersion ?? ""}). ` +
        "The object might have been modified",
    );
  }
}
