import type {
  Capabilities,
  PodSecurityContext,
  ResourceRequirements,
  SecurityContext,
} from "../../../api/core/v1.ts";
import {
  Signal,
  type ContainerConfig,
  type LinuxContainerSecurityContext,
  type Mount,
  type NamespaceOption,
} from "../../../api/cri/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { expand } from "../environment/expand.ts";
import {
  graceSecondsOf,
  nameOf,
  namespaceOf,
  uidOf,
  type SpecContainer,
} from "../pods/pod-spec.ts";
import { containerHash } from "../worker/container-hash.ts";
import { annotations, labels } from "./labels.ts";
import { containerResources } from "./linux-resources.ts";
import type { NodeSettings } from "./node-settings.ts";
import { NamespaceMode } from "../../../api/cri/v1.ts";
import { groupsOf, groupsPolicyOf, idMappings, namespacesOf, seccompOf } from "./sandbox-config.ts";

export interface ContainerConfigInput {
  readonly pod: Pod;
  readonly spec: SpecContainer;
  readonly restartCount: number;
  /** What the runtime resolved the image to. */
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly settings: NodeSettings;
  /** Of the container whose processes a debugger wants to see. */
  readonly targetId?: string;
  /** Of a pod with users of its own: the host's id of its root. */
  readonly firstHostId?: number;
  /** The resources in force, when they differ from the spec's. */
  readonly resources?: ResourceRequirements;
}

/** Where a container's log is within its pod's folder: web/0.log */
export const logPathOf = (name: string, restartCount: number): string =>
  `${name}/${restartCount}.log`;

export const terminationMessagePathDefault = "/dev/termination-log";

export function containerConfig(input: ContainerConfigInput): ContainerConfig {
  const { pod, spec, restartCount, imageRef, settings } = input;
  const { container } = spec;
  const value = (text: string): string => expand(text, (name) => input.environment.get(name));
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: imageRef, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map(value),
    args: (container.args ?? []).map(value),
    workingDir: container.workingDir ?? "",
    envs: [...input.environment].map(([key, text]) => ({
      key,
      value: new TextEncoder().encode(text),
    })),
    mounts: mountsOf(input),
    labels: {
      [labels.podName]: nameOf(pod),
      [labels.podNamespace]: namespaceOf(pod),
      [labels.podUid]: uidOf(pod),
      [labels.containerName]: container.name,
    },
    annotations: {
      [annotations.hash]: containerHash(container),
      [annotations.restartCount]: String(restartCount),
      [annotations.terminationMessagePath]:
        container.terminationMessagePath ?? terminationMessagePathDefault,
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? "File",
      [annotations.terminationGracePeriod]: String(graceSecondsOf(pod)),
    },
    logPath: logPathOf(container.name, restartCount),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: containerResources(
        pod,
        input.resources === undefined ? container : { ...container, resources: input.resources },
        settings.memoryBytes,
      ),
      securityContext: containerSecurity(input),
    },
    stopSignal: stopSignalOf(container.lifecycle?.stopSignal),
  };
}

const signals: Readonly<Record<string, Signal>> = Object.fromEntries(
  Object.entries(Signal).map(([name, number]) => [name.replace(/^SIGNAL_/, ""), number]),
);

const stopSignalOf = (name: string | undefined): Signal =>
  signals[name ?? ""] ?? Signal.SIGNAL_RUNTIME_DEFAULT;

/** What is not to be seen of the host's /proc and /sys: the list of the OCI's usual profile. */
const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** A container's own security context stands before its pod's, field by field. */
function containerSecurity(input: ContainerConfigInput): LinuxContainerSecurityContext {
  const { pod, spec, settings } = input;
  const shared: PodSecurityContext = pod.spec.securityContext ?? {};
  const own: SecurityContext = spec.container.securityContext ?? {};
  const user = own.runAsUser ?? shared.runAsUser;
  const group = own.runAsGroup ?? shared.runAsGroup;
  const selinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  const privileged = own.privileged === true;
  // As upstream's kubelet with --seccomp-default: a container that says nothing is filtered.
  const unsaid = privileged ? undefined : ({ type: "RuntimeDefault" } as const);
  const profile = own.seccompProfile ?? shared.seccompProfile ?? unsaid;
  const open = privileged || own.procMount === "Unmasked";
  return {
    capabilities: capabilitiesOf(own.capabilities),
    privileged,
    namespaceOptions: namespaceOptions(input),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    supplementalGroups: groupsOf(shared),
    supplementalGroupsPolicy: groupsPolicyOf(shared),
    noNewPrivs: own.allowPrivilegeEscalation === false && !privileged,
    maskedPaths: open ? [] : maskedPaths,
    readonlyPaths: open ? [] : readonlyPaths,
    seccomp: seccompOf(profile, settings.seccompPath),
    ...(user === undefined ? {} : { runAsUser: { value: BigInt(user) } }),
    ...(group === undefined ? {} : { runAsGroup: { value: BigInt(group) } }),
    ...(selinux === undefined ? {} : { selinuxOptions: selinux }),
  };
}

const capabilitiesOf = (
  capabilities: Capabilities | undefined,
): LinuxContainerSecurityContext["capabilities"] & object => ({
  addCapabilities: capabilities?.add ?? [],
  dropCapabilities: capabilities?.drop ?? [],
});

function namespaceOptions({ pod, targetId, firstHostId }: ContainerConfigInput): NamespaceOption {
  const own = namespacesOf(pod, firstHostId);
  return targetId === undefined ? own : { ...own, pid: NamespaceMode.TARGET, targetId };
}

/** What is on a volume belongs to the same ids, whether the pod has users of its own or not. */
function mountsOf({ mounts, firstHostId }: ContainerConfigInput): readonly Mount[] {
  if (firstHostId === undefined) return mounts;
  const ids = idMappings(firstHostId);
  return mounts.map((mount) => ({ ...mount, uidMappings: ids, gidMappings: ids }));
}
