/** Which ids a pod's user namespace has, as CRI asks for it. Pure. */
import { NamespaceMode, type IDMapping, type NamespaceOption } from "../../api/cri/v1.ts";
import type { IdMapping } from "../../api/oci/runtime.ts";
import { invalid } from "./cri-error.ts";

/** One range for users and one for groups; each begins with the container's root. */
export interface PodIds {
  readonly uids: IdMapping;
  readonly gids: IdMapping;
}

/**
 * Undefined: the pod is in the host's. Throws INVALID_ARGUMENT for what CRI allows no runtime (a
 * namespace of one container, or of another), and for maps that are not one range from 0.
 */
export function podIds(options: NamespaceOption): PodIds | undefined {
  const { usernsOptions } = options;
  if (usernsOptions === undefined) return undefined;
  const mode = usernsOptions.mode ?? NamespaceMode.POD;
  if (mode === NamespaceMode.NODE) return undefined;
  if (mode !== NamespaceMode.POD) {
    throw invalid("a user namespace is the pod's own or the node's");
  }
  for (const name of ["network", "pid", "ipc"] as const) {
    if (options[name] !== NamespaceMode.NODE) continue;
    throw invalid(`a pod in a user namespace cannot use the node's ${name} namespace`);
  }
  return {
    uids: onlyRange("uids", usernsOptions.uids),
    gids: onlyRange("gids", usernsOptions.gids),
  };
}

function onlyRange(name: string, mappings: readonly IDMapping[] = []): IdMapping {
  const [mapping] = mappings;
  if (mapping === undefined || mappings.length > 1) {
    throw invalid(`user namespace: ${mappings.length} ranges of ${name}; one is needed`);
  }
  const { containerId = 0, hostId = 0, length = 0 } = mapping;
  if (containerId !== 0) throw invalid(`user namespace: 0 is not among the ${name}`);
  if (length < 1) throw invalid(`user namespace: the range of ${name} is empty`);
  if (hostId === 0) throw invalid(`user namespace: the host's root is among the ${name}`);
  return { containerID: 0, hostID: hostId, size: length };
}

/** As /proc/<pid>/uid_map is written: once, as a whole. */
export const mapLine = ({ containerID, hostID, size }: IdMapping): string =>
  `${containerID} ${hostID} ${size}\n`;
