/** Records as CRI's lists and statuses show them, and filters over them. Pure. */
import {
  ContainerState,
  PodSandboxState,
  type Container,
  type ContainerFilter,
  type ContainerStatus,
  type LinuxContainerResources,
  type PodSandbox,
  type PodSandboxFilter,
  type PodSandboxStatus,
} from "../../api/cri/v1.ts";
import type { ContainerLife, ContainerRecord, SandboxRecord } from "./records.ts";
import { wireSignal } from "./stop-signal.ts";

/** CRI's times are nanoseconds since the epoch. */
export const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

const containerStates: Readonly<Record<ContainerLife["at"], ContainerState>> = {
  created: ContainerState.CONTAINER_CREATED,
  running: ContainerState.CONTAINER_RUNNING,
  exited: ContainerState.CONTAINER_EXITED,
};

export const stateOf = ({ life }: Pick<ContainerRecord, "life">): ContainerState =>
  containerStates[life.at];

const sandboxStateOf = ({ isReady }: SandboxRecord): PodSandboxState =>
  isReady ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;

type Labels = Readonly<Record<string, string>>;

export const hasLabels = (labels: Labels | undefined, wanted: Labels | undefined): boolean =>
  Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);

/** An id may be given by its beginning. */
export const fitsSandbox = (record: SandboxRecord, filter: PodSandboxFilter | undefined): boolean =>
  record.id.startsWith(filter?.id ?? "") &&
  hasLabels(record.config.labels, filter?.labelSelector) &&
  (filter?.state === undefined ||
    sandboxStateOf(record) === (filter.state.state ?? PodSandboxState.SANDBOX_READY));

export const fitsContainer = (
  record: ContainerRecord,
  filter: ContainerFilter | undefined,
): boolean =>
  record.id.startsWith(filter?.id ?? "") &&
  record.sandboxId.startsWith(filter?.podSandboxId ?? "") &&
  hasLabels(record.config.labels, filter?.labelSelector) &&
  (filter?.state === undefined ||
    stateOf(record) === (filter.state.state ?? ContainerState.CONTAINER_CREATED));

export const listedSandbox = (record: SandboxRecord): PodSandbox => ({
  id: record.id,
  metadata: record.config.metadata ?? {},
  state: sandboxStateOf(record),
  createdAt: nanoseconds(record.createdAtMs),
  labels: record.config.labels ?? {},
  annotations: record.config.annotations ?? {},
  runtimeHandler: record.runtimeHandler,
});

export function sandboxStatus(record: SandboxRecord): PodSandboxStatus {
  const [ip = "", ...others] = record.ips;
  return {
    ...listedSandbox(record),
    network: { ip, additionalIps: others.map((other) => ({ ip: other })) },
    linux: {
      namespaces: { options: record.config.linux?.securityContext?.namespaceOptions ?? {} },
    },
  };
}

export const listedContainer = (record: ContainerRecord): Container => ({
  id: record.id,
  podSandboxId: record.sandboxId,
  metadata: record.config.metadata ?? {},
  image: record.config.image ?? {},
  imageRef: record.imageRef,
  imageId: record.imageId,
  state: stateOf(record),
  createdAt: nanoseconds(record.createdAtMs),
  labels: record.config.labels ?? {},
  annotations: record.config.annotations ?? {},
});

export function containerStatus(record: ContainerRecord): ContainerStatus {
  const { config, life, user } = record;
  const startedAtMs = life.at === "created" ? 0 : life.startedAtMs;
  const isEnded = life.at === "exited";
  return {
    id: record.id,
    metadata: config.metadata ?? {},
    state: stateOf(record),
    createdAt: nanoseconds(record.createdAtMs),
    startedAt: nanoseconds(startedAtMs),
    finishedAt: isEnded ? nanoseconds(life.finishedAtMs) : 0n,
    exitCode: isEnded ? life.exitCode : 0,
    reason: isEnded ? life.reason : "",
    message: isEnded ? life.message : "",
    // A caller may have named it by id; people want to read its name.
    image: { ...config.image, image: record.imageName },
    imageRef: record.imageRef,
    imageId: record.imageId,
    labels: config.labels ?? {},
    annotations: config.annotations ?? {},
    mounts: config.mounts ?? [],
    logPath: record.logPath,
    resources: { linux: resourcesOf(record) },
    user: {
      linux: {
        uid: BigInt(user.uid),
        gid: BigInt(user.gid),
        supplementalGroups: user.groups.map(BigInt),
      },
    },
    stopSignal: wireSignal(record.stopSignal),
  };
}

/** What is in force, as it was asked for: updates change the configuration too. */
const resourcesOf = ({ config }: ContainerRecord): LinuxContainerResources =>
  config.linux?.resources ?? {};

/** Newest first, as tools print them. */
export const newestFirst = <T extends { readonly createdAtMs: number }>(
  records: readonly T[],
): readonly T[] => records.toSorted((a, b) => b.createdAtMs - a.createdAtMs);

/**
 * Verbose status for `crictl inspect`: one JSON text under "info". 64-bit numbers become strings.
 */
export const verboseInfo = (info: object): Readonly<Record<string, string>> => ({
  info: JSON.stringify(info, (_key, value: unknown) =>
    typeof value === "bigint"
      ? String(value)
      : value instanceof Uint8Array
        ? value.toBase64()
        : value,
  ),
});
