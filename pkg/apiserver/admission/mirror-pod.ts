/** A mirror pod is a picture of a static pod, which has nothing of the API. Pure. */
import type { Pod, Volume } from "../../../api/core/v1.ts";
import { podReferences } from "../auth/pod-references.ts";

/** Volumes that need nothing of the API, by the field of their source. */
const plainVolumes: ReadonlySet<string> = new Set([
  "awsElasticBlockStore",
  "azureDisk",
  "cephfs",
  "cinder",
  "downwardAPI",
  "emptyDir",
  "fc",
  "flexVolume",
  "flocker",
  "gcePersistentDisk",
  "gitRepo",
  "hostPath",
  "image",
  "iscsi",
  "nfs",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
]);

function volumeReference({ name: _name, projected, ...source }: Volume): string | undefined {
  const other = Object.keys(source).find((field) => !plainVolumes.has(field));
  if (other !== undefined) return `${other} volumes`;
  return (projected?.sources ?? [])
    .flatMap((one) => Object.keys(one))
    .filter((field) => field !== "downwardAPI")
    .map((field) => `${field} (via projected volumes)`)[0];
}

/** What of the API the pod refers to, in words; undefined: nothing. */
export function apiReferenceOf(pod: Pod): string | undefined {
  const { secrets, configMaps, claims, serviceAccount } = podReferences(pod);
  if (serviceAccount !== "") return "serviceaccounts";
  if (secrets.size > 0) return "secrets";
  if (configMaps.size > 0) return "configmaps";
  if ((pod.spec?.resourceClaims ?? []).length > 0) return "resourceclaims";
  if (claims.size > 0) return "persistentvolumeclaims";
  for (const volume of pod.spec?.volumes ?? []) {
    const kind = volumeReference(volume);
    if (kind !== undefined) return kind;
  }
  return undefined;
}
