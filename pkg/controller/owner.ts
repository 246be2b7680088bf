import type { OwnerReference } from "../../api/meta/v1.ts";
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";

/** The one owner that manages the object; an object has at most one. */
export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata?.ownerReferences?.find((owner) => owner.controller === true);

/** True when the object's managing owner is this very object, not one of the same name. */
export const isControlledBy = (object: KubeObject, owner: KubeObject): boolean =>
  owner.metadata?.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid;

/** The reference that makes `owner` the manager of an object. */
export const controllerReference = <T extends KubeObject>(
  ref: ResourceRef<T>,
  owner: T,
): OwnerReference => ({
  apiVersion: apiVersionOf(ref),
  kind: ref.kind,
  name: owner.metadata?.name ?? "",
  uid: owner.metadata?.uid ?? "",
  controller: true,
  blockOwnerDeletion: true,
});

/** The key of the object's managing owner, when that is of this kind: "namespace/name". */
export function controllerKey(object: KubeObject, ref: ResourceRef): string | undefined {
  const owner = controllerOf(object);
  if (owner === undefined || owner.kind !== ref.kind) return undefined;
  if ((owner.apiVersion.includes("/") ? owner.apiVersion.split("/")[0] : "") !== ref.group)
    return undefined;
  return ref.namespaced ? `${object.metadata?.namespace ?? ""}/${owner.name}` : owner.name;
}

/** Name of the index of informers by the uid of the managing owner. */
export const controllerUidIndex = "controller-uid";
export const byControllerUid = (object: KubeObject): readonly string[] => {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
};
