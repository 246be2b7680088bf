import type { Pod, Volume } from "../../../api/core/v1.ts";
import { containersOf } from "../pods/pod-spec.ts";

/** Names, in the pod's namespace, of what its environment, volumes and image pulls refer to. */
export interface References {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

export function referencesOf(pod: Pod): References {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  const add = (set: Set<string>, name: string | undefined): void => {
    if (name !== undefined && name !== "") set.add(name);
  };
  for (const { container } of containersOf(pod)) {
    for (const { valueFrom } of container.env ?? []) {
      add(configMaps, valueFrom?.configMapKeyRef?.name);
      add(secrets, valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(configMaps, configMapRef?.name);
      add(secrets, secretRef?.name);
    }
  }
  for (const volume of pod.spec.volumes ?? []) addVolume(volume, configMaps, secrets, add);
  for (const { name } of pod.spec.imagePullSecrets ?? []) add(secrets, name);
  return { configMaps, secrets };
}

function addVolume(
  volume: Volume,
  configMaps: Set<string>,
  secrets: Set<string>,
  add: (set: Set<string>, name: string | undefined) => void,
): void {
  add(configMaps, volume.configMap?.name);
  add(secrets, volume.secret?.secretName);
  for (const source of volume.projected?.sources ?? []) {
    add(configMaps, source.configMap?.name);
    add(secrets, source.secret?.name);
  }
}
