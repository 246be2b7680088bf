/**
 * What a pod refers to, by name: what the node that it is bound to may read on its behalf. Pure.
 */
import type { Container, EphemeralContainer, Pod, Volume } from "../../../api/core/v1.ts";

/** Names in the pod's own namespace. */
export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  /** "" where there is none. */
  readonly serviceAccount: string;
}

export const mirrorAnnotation = "kubernetes.io/config.mirror";

interface Found {
  readonly secrets: Set<string>;
  readonly configMaps: Set<string>;
  readonly claims: Set<string>;
}

const add = (names: Set<string>, name: string | undefined): void => {
  if (name !== undefined && name !== "") names.add(name);
};

function addContainer({ env, envFrom }: Container | EphemeralContainer, found: Found): void {
  for (const { valueFrom } of env ?? []) {
    add(found.secrets, valueFrom?.secretKeyRef?.name);
    add(found.configMaps, valueFrom?.configMapKeyRef?.name);
  }
  for (const { secretRef, configMapRef } of envFrom ?? []) {
    add(found.secrets, secretRef?.name);
    add(found.configMaps, configMapRef?.name);
  }
}

/** Drivers of storage that log in with a Secret. */
const driverSecrets = (volume: Volume): readonly (string | undefined)[] => [
  volume.azureFile?.secretName,
  volume.cephfs?.secretRef?.name,
  volume.cinder?.secretRef?.name,
  volume.csi?.nodePublishSecretRef?.name,
  volume.flexVolume?.secretRef?.name,
  volume.iscsi?.secretRef?.name,
  volume.rbd?.secretRef?.name,
  volume.scaleIO?.secretRef?.name,
  volume.storageos?.secretRef?.name,
];

function addVolume(volume: Volume, podName: string, found: Found): void {
  add(found.secrets, volume.secret?.secretName);
  add(found.configMaps, volume.configMap?.name);
  add(found.claims, volume.persistentVolumeClaim?.claimName);
  // The claim of an ephemeral volume is named after its pod and itself.
  if (volume.ephemeral !== undefined) add(found.claims, `${podName}-${volume.name}`);
  for (const { secret, configMap } of volume.projected?.sources ?? []) {
    add(found.secrets, secret?.name);
    add(found.configMaps, configMap?.name);
  }
  for (const name of driverSecrets(volume)) add(found.secrets, name);
}

/** All that the pod names, mirror pods included. */
export function podReferences({ metadata, spec }: Pod): PodReferences {
  const found: Found = { secrets: new Set(), configMaps: new Set(), claims: new Set() };
  for (const { name } of spec?.imagePullSecrets ?? []) add(found.secrets, name);
  const { initContainers = [], ephemeralContainers = [] } = spec ?? {};
  for (const one of [...initContainers, ...(spec?.containers ?? []), ...ephemeralContainers]) {
    addContainer(one, found);
  }
  for (const volume of spec?.volumes ?? []) addVolume(volume, metadata?.name ?? "", found);
  return { ...found, serviceAccount: spec?.serviceAccountName ?? "" };
}
