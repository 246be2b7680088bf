import type { Container, EphemeralContainer, Pod } from "../../../api/core/v1.ts";
import { isSidecar } from "../../machinery/pod-requests.ts";

/** Readings of a pod's spec that several parts of the kubelet share. Pure. */
export type ContainerKind = "init" | "sidecar" | "regular" | "ephemeral";

export interface SpecContainer {
  readonly kind: ContainerKind;
  readonly container: Container;
}

/** In the order in which they are started. */
export const containersOf = (pod: Pod): readonly SpecContainer[] => [
  ...(pod.spec.initContainers ?? []).map((container): SpecContainer => ({
    kind: isSidecar(container) ? "sidecar" : "init",
    container,
  })),
  ...pod.spec.containers.map((container): SpecContainer => ({ kind: "regular", container })),
  ...(pod.spec.ephemeralContainers ?? []).map((container: EphemeralContainer): SpecContainer => ({
    kind: "ephemeral",
    container,
  })),
];

export const findContainer = (pod: Pod, name: string): SpecContainer | undefined =>
  containersOf(pod).find(({ container }) => container.name === name);

export const uidOf = (pod: Pod): string => pod.metadata?.uid ?? "";
export const nameOf = (pod: Pod): string => pod.metadata?.name ?? "";
export const namespaceOf = (pod: Pod): string => pod.metadata?.namespace ?? "default";
/** "namespace/name" */
export const fullNameOf = (pod: Pod): string => `${namespaceOf(pod)}/${nameOf(pod)}`;
/** name_namespace(uid): how messages name a pod. */
export const describePod = (pod: Pod): string =>
  `${nameOf(pod)}_${namespaceOf(pod)}(${uidOf(pod)})`;

/** How long a pod's processes may take to end when its spec and its deletion say nothing. */
const graceSecondsDefault = 30;

/** Seconds between the first signal and SIGKILL. */
export const graceSecondsOf = (pod: Pod): number =>
  Math.max(
    0,
    pod.metadata?.deletionGracePeriodSeconds ??
      pod.spec.terminationGracePeriodSeconds ??
      graceSecondsDefault,
  );

export const isDeleted = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined;

/** Over for good: such a pod is never started again. */
export const isTerminalPhase = (phase: string | undefined): boolean =>
  phase === "Succeeded" || phase === "Failed";

const configSource = "kubernetes.io/config.source";
export const configHash = "kubernetes.io/config.hash";
export const configMirror = "kubernetes.io/config.mirror";
export const configSeen = "kubernetes.io/config.seen";
export { configSource };

/** From a manifest on this node, not from the API server. */
export const isStatic = (pod: Pod): boolean => {
  const source = pod.metadata?.annotations?.[configSource];
  return source !== undefined && source !== "api";
};

/** The API server's picture of a static pod. */
export const isMirror = (pod: Pod): boolean =>
  pod.metadata?.annotations?.[configMirror] !== undefined;
