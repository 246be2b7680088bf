import {
  ContainerState,
  PodSandboxState,
  type Container,
  type ContainerStatus,
  type PodSandbox,
  type PodSandboxStatus,
} from "../../../api/cri/v1.ts";
import { annotations, labels } from "./labels.ts";
import type { ContainerPhase, RuntimeContainer, RuntimeSandbox } from "./runtime-pod.ts";

/** The CRI's messages as the kubelet's own values. Pure. */
const phases: Readonly<Record<ContainerState, ContainerPhase>> = {
  [ContainerState.CONTAINER_CREATED]: "created",
  [ContainerState.CONTAINER_RUNNING]: "running",
  [ContainerState.CONTAINER_EXITED]: "exited",
  [ContainerState.CONTAINER_UNKNOWN]: "unknown",
};

/** Proto3 leaves zeros out: no state is CREATED. */
export const phaseOf = (state: ContainerState | undefined): ContainerPhase =>
  phases[state ?? ContainerState.CONTAINER_CREATED];

const millis = (nanos: bigint | undefined): number => Number((nanos ?? 0n) / 1_000_000n);

export function readContainer(listed: Container, status: ContainerStatus): RuntimeContainer {
  const its = { ...listed.annotations, ...status.annotations };
  const user = status.user?.linux;
  return {
    id: status.id ?? listed.id ?? "",
    name: listed.labels?.[labels.containerName] ?? listed.metadata?.name ?? "",
    sandboxId: listed.podSandboxId ?? "",
    phase: phaseOf(status.state),
    restartCount: Number(its[annotations.restartCount] ?? listed.metadata?.attempt ?? 0),
    hash: its[annotations.hash] ?? "",
    createdAtMs: millis(status.createdAt ?? listed.createdAt),
    startedAtMs: millis(status.startedAt),
    finishedAtMs: millis(status.finishedAt),
    exitCode: status.exitCode ?? 0,
    reason: status.reason ?? "",
    message: status.message ?? "",
    image: imageOf(listed, status),
    imageRef: status.imageRef ?? listed.imageRef ?? "",
    logPath: status.logPath ?? "",
    terminationMessagePath: its[annotations.terminationMessagePath] ?? "",
    terminationMessagePolicy: its[annotations.terminationMessagePolicy] ?? "File",
    ...(user === undefined
      ? {}
      : {
          user: {
            uid: Number(user.uid ?? 0n),
            gid: Number(user.gid ?? 0n),
            supplementalGroups: (user.supplementalGroups ?? []).map(Number),
          },
        }),
  };
}

const imageOf = (listed: Container, status: ContainerStatus): string =>
  [status.image?.userSpecifiedImage, status.image?.image, listed.image?.image].find(
    (image) => image !== undefined && image !== "",
  ) ?? "";

export const readSandbox = (
  listed: PodSandbox,
  status: PodSandboxStatus | undefined,
): RuntimeSandbox => ({
  id: listed.id ?? "",
  isReady: (listed.state ?? PodSandboxState.SANDBOX_READY) === PodSandboxState.SANDBOX_READY,
  attempt: listed.metadata?.attempt ?? 0,
  createdAtMs: millis(listed.createdAt),
  ips: [
    status?.network?.ip ?? "",
    ...(status?.network?.additionalIps ?? []).map(({ ip }) => ip ?? ""),
  ].filter((ip) => ip !== ""),
});
