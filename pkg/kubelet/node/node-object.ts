/**
 * The Node object of this machine: pure functions of what was read of it.
 */
import type {
  ContainerImage,
  Node,
  NodeCondition,
  NodeRuntimeHandler,
  NodeStatus,
} from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { Machine, MachineReadings } from "./machine.ts";
import { pressureThresholds, type PressureThresholds } from "./pressure-thresholds.ts";

export interface NodeFacts {
  readonly nodeName: string;
  readonly machine: Machine;
  readonly readings: MachineReadings;
  readonly nowMs: number;
  readonly podsMax: number;
  readonly kubeletPort: number;
  readonly kubeletVersion: string;
  /** "tskube://1.37.0" */
  readonly runtimeVersion: string;
  /** What the runtime says of itself; empty while it is down. */
  readonly runtimeHandlers: readonly NodeRuntimeHandler[];
  /** Undefined: the runtime is well. */
  readonly runtimeProblem: string | undefined;
  readonly images: readonly ContainerImage[];
  readonly reserved: Readonly<Record<"cpuMillis" | "memoryBytes", number>>;
  /** Absent: the usual ones of such a machine. */
  readonly pressure?: PressureThresholds;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  /** Conditions as told last: their times of change stay. */
  readonly before: readonly NodeCondition[];
}

/** What the first registration says; later only its labels are kept up. */
export const nodeObject = (facts: NodeFacts): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: facts.nodeName,
    labels: nodeLabels(facts),
    annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
  },
  spec: facts.taints.length === 0 ? {} : { taints: facts.taints },
  status: nodeStatus(facts),
});

export const nodeLabels = ({
  machine,
  labels,
}: Pick<NodeFacts, "machine" | "labels">): Readonly<Record<string, string>> => ({
  "kubernetes.io/hostname": machine.hostname,
  "kubernetes.io/os": machine.info.operatingSystem,
  "kubernetes.io/arch": machine.info.architecture,
  "beta.kubernetes.io/os": machine.info.operatingSystem,
  "beta.kubernetes.io/arch": machine.info.architecture,
  ...labels,
});

const cpu = (millis: number): string =>
  millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
const kibibytes = (bytes: number): string => `${Math.floor(bytes / 1024)}Ki`;

/** What the node has, and what of it pods may use. */
export function nodeResources(
  facts: Pick<NodeFacts, "machine" | "podsMax" | "reserved" | "pressure">,
): Pick<NodeStatus, "capacity" | "allocatable"> & {
  readonly allocatable: Readonly<Record<string, string>>;
} {
  const { machine, podsMax, reserved } = facts;
  const pressure = facts.pressure ?? pressureThresholds(machine);
  const common = { pods: String(podsMax), "hugepages-1Gi": "0", "hugepages-2Mi": "0" };
  const memoryLeft = machine.memoryBytes - reserved.memoryBytes - pressure.memoryAvailableBytesMin;
  return {
    capacity: {
      cpu: cpu(machine.cpuMillis),
      memory: kibibytes(machine.memoryBytes),
      "ephemeral-storage": kibibytes(machine.diskBytes),
      ...common,
    },
    allocatable: {
      cpu: cpu(Math.max(0, machine.cpuMillis - reserved.cpuMillis)),
      memory: kibibytes(Math.max(0, memoryLeft)),
      "ephemeral-storage": String(
        Math.max(0, Math.floor(machine.diskBytes - pressure.diskAvailableBytesMin)),
      ),
      ...common,
    },
  };
}

export const nodeStatus = (facts: NodeFacts): NodeStatus => ({
  ...nodeResources(facts),
  conditions: nodeConditions(facts),
  addresses: [
    ...facts.machine.addresses.map((address) => ({ type: "InternalIP", address })),
    { type: "Hostname", address: facts.machine.hostname },
  ],
  daemonEndpoints: { kubeletEndpoint: { Port: facts.kubeletPort } },
  nodeInfo: {
    ...facts.machine.info,
    containerRuntimeVersion: facts.runtimeVersion,
    kubeletVersion: facts.kubeletVersion,
    kubeProxyVersion: "",
    ...(facts.machine.swapBytes > 0 ? { swap: { capacity: facts.machine.swapBytes } } : {}),
  },
  images: facts.images,
  runtimeHandlers: facts.runtimeHandlers,
});

interface Verdict {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

const pressure = (
  type: string,
  isUnder: boolean,
  words: readonly [string, string, string],
): Verdict => ({
  type: `${type}Pressure`,
  status: isUnder,
  reason: isUnder ? `KubeletHas${words[0]}` : `KubeletHas${words[1]}`,
  message: isUnder ? `kubelet has ${words[2]}` : `kubelet has ${good[type] ?? ""}`,
});

const good: Readonly<Record<string, string>> = {
  Memory: "sufficient memory available",
  Disk: "no disk pressure",
  PID: "sufficient PID available",
};

export function nodeConditions(facts: NodeFacts): readonly NodeCondition[] {
  const { machine, readings, runtimeProblem } = facts;
  const limits = facts.pressure ?? pressureThresholds(machine);
  const isDiskLow =
    readings.diskAvailableBytes < limits.diskAvailableBytesMin ||
    readings.inodesFreeShare < limits.inodesFreeShareMin;
  const verdicts: readonly Verdict[] = [
    pressure("Memory", readings.memoryAvailableBytes < limits.memoryAvailableBytesMin, [
      "InsufficientMemory",
      "SufficientMemory",
      "insufficient memory available",
    ]),
    pressure("Disk", isDiskLow, ["DiskPressure", "NoDiskPressure", "disk pressure"]),
    pressure("PID", readings.processes > readings.processesMax * limits.processesShareMax, [
      "InsufficientPID",
      "SufficientPID",
      "insufficient PID available",
    ]),
    runtimeProblem === undefined
      ? {
          type: "Ready",
          status: true,
          reason: "KubeletReady",
          message: "kubelet is posting ready status",
        }
      : { type: "Ready", status: false, reason: "KubeletNotReady", message: runtimeProblem },
  ];
  return verdicts.map(({ type, status, reason, message }) => {
    const value = status ? "True" : "False";
    const before = facts.before.find((one) => one.type === type);
    const isSame = before?.status === value && before.lastTransitionTime !== undefined;
    return {
      type,
      status: value,
      lastHeartbeatTime: rfc3339(facts.nowMs),
      lastTransitionTime: isSame ? before.lastTransitionTime : rfc3339(facts.nowMs),
      reason,
      message,
    };
  });
}
