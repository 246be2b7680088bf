import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import type { Context } from "../controller/controller.ts";
import { controllerReference } from "../controller/owner.ts";
import type { Claim } from "./claims-plan.ts";

/** An object of a kind that owns others. */
export interface Owner<T extends KubeObject> {
  readonly ref: ResourceRef<T>;
  readonly object: T;
}

/** Writes owner references as planned; rejects when the owner itself may be on its way out. */
export async function applyClaims<O extends KubeObject, T extends KubeObject>(
  owner: Owner<O>,
  claimed: ResourceRef<T>,
  claims: readonly Claim<T>[],
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = "", name = "", uid } = owner.object.metadata ?? {};
  if (claims.some((claim) => claim.do === "adopt")) {
    // The cache may not know yet that the owner is being deleted: adopting would kill the object.
    const { metadata } = await client.resource(owner.ref).get({ namespace, name }, signal);
    if (metadata?.uid !== uid || metadata?.deletionTimestamp !== undefined)
      throw new Error(`${owner.ref.singular} ${name} is being deleted and may not adopt`);
  }
  for (const { do: what, object } of claims) {
    const others = (object.metadata?.ownerReferences ?? []).filter((one) => one.uid !== uid);
    const ownerReferences =
      what === "adopt" ? [...others, controllerReference(owner.ref, owner.object)] : others;
    const { name: claimedName = "", uid: claimedUid, resourceVersion } = object.metadata ?? {};
    // A patch and not an update: upstream's roles for these controllers allow no update of pods.
    const body = { metadata: { uid: claimedUid, resourceVersion, ownerReferences } };
    const key = { namespace, name: claimedName };
    await client.resource(claimed).patch(key, { type: "merge", body }, {}, signal);
  }
}
