import type { ContainerStats, PodSandboxStats, UInt64Value } from "../../../api/cri/v1.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { MachineReadings, Machine } from "../node/machine.ts";
import { labels } from "../runtime/labels.ts";

/** /stats/summary and /metrics/resource from what the runtime counts. Pure. */
const number = (value: UInt64Value | undefined): number => Number(value?.value ?? 0n);

const time = (nanos: bigint | undefined): string => rfc3339(Number((nanos ?? 0n) / 1_000_000n));

const cpuOf = (cpu: ContainerStats["cpu"]): object => ({
  time: time(cpu?.timestamp),
  usageNanoCores: number(cpu?.usageNanoCores),
  usageCoreNanoSeconds: number(cpu?.usageCoreNanoSeconds),
});

const memoryOf = (memory: ContainerStats["memory"]): object => ({
  time: time(memory?.timestamp),
  availableBytes: number(memory?.availableBytes),
  usageBytes: number(memory?.usageBytes),
  workingSetBytes: number(memory?.workingSetBytes),
  rssBytes: number(memory?.rssBytes),
  pageFaults: number(memory?.pageFaults),
  majorPageFaults: number(memory?.majorPageFaults),
});

export interface SummaryFacts {
  readonly nodeName: string;
  readonly machine: Machine;
  readonly readings: MachineReadings;
  readonly nowMs: number;
  readonly pods: readonly PodSandboxStats[];
}

/** stats.k8s.io/v1alpha1 Summary. */
export function statsSummary({ nodeName, machine, readings, nowMs, pods }: SummaryFacts): object {
  const at = rfc3339(nowMs);
  const used = machine.memoryBytes - readings.memoryAvailableBytes;
  return {
    node: {
      nodeName,
      memory: {
        time: at,
        availableBytes: readings.memoryAvailableBytes,
        usageBytes: used,
        workingSetBytes: used,
      },
      fs: {
        time: at,
        availableBytes: readings.diskAvailableBytes,
        capacityBytes: machine.diskBytes,
        usedBytes: machine.diskBytes - readings.diskAvailableBytes,
      },
      rlimit: { time: at, maxpid: readings.processesMax, curproc: readings.processes },
    },
    pods: pods.map(podStats),
  };
}

function podStats({ attributes, linux }: PodSandboxStats): object {
  const { metadata } = attributes ?? {};
  const network = linux?.network?.defaultInterface;
  return {
    podRef: {
      name: metadata?.name ?? "",
      namespace: metadata?.namespace ?? "",
      uid: metadata?.uid ?? "",
    },
    cpu: cpuOf(linux?.cpu),
    memory: memoryOf(linux?.memory),
    ...(network === undefined
      ? {}
      : {
          network: {
            time: time(linux?.network?.timestamp),
            name: network.name ?? "",
            rxBytes: number(network.rxBytes),
            rxErrors: number(network.rxErrors),
            txBytes: number(network.txBytes),
            txErrors: number(network.txErrors),
          },
        }),
    process_stats: { process_count: number(linux?.process?.processCount) },
    containers: (linux?.containers ?? []).map((container) => ({
      name: nameOf(container),
      cpu: cpuOf(container.cpu),
      memory: memoryOf(container.memory),
      rootfs: {
        time: time(container.writableLayer?.timestamp),
        usedBytes: number(container.writableLayer?.usedBytes),
        inodesUsed: number(container.writableLayer?.inodesUsed),
      },
    })),
  };
}

const nameOf = ({ attributes }: ContainerStats): string =>
  attributes?.labels?.[labels.containerName] ?? attributes?.metadata?.name ?? "";

/** The text of /metrics/resource: what autoscalers read. */
export function resourceMetrics(pods: readonly PodSandboxStats[]): string {
  const cpu: string[] = [];
  const memory: string[] = [];
  const podCpu: string[] = [];
  const podMemory: string[] = [];
  for (const { attributes, linux } of pods) {
    const { namespace, name } = attributes?.metadata ?? {};
    const pod = `namespace="${namespace}",pod="${name}"`;
    podCpu.push(`pod_cpu_usage_seconds_total{${pod}} ${seconds(linux?.cpu)}`);
    podMemory.push(
      `pod_memory_working_set_bytes{${pod}} ${number(linux?.memory?.workingSetBytes)}`,
    );
    for (const container of linux?.containers ?? []) {
      const its = `container="${nameOf(container)}",${pod}`;
      cpu.push(`container_cpu_usage_seconds_total{${its}} ${seconds(container.cpu)}`);
      const bytes = number(container.memory?.workingSetBytes);
      memory.push(`container_memory_working_set_bytes{${its}} ${bytes}`);
    }
  }
  return [
    ...family("container_cpu_usage_seconds_total", "counter", "CPU time of the container", cpu),
    ...family(
      "container_memory_working_set_bytes",
      "gauge",
      "Working set of the container",
      memory,
    ),
    ...family("pod_cpu_usage_seconds_total", "counter", "CPU time of the pod", podCpu),
    ...family("pod_memory_working_set_bytes", "gauge", "Working set of the pod", podMemory),
    "",
  ].join("\n");
}

const seconds = (cpu: ContainerStats["cpu"]): number => number(cpu?.usageCoreNanoSeconds) / 1e9;

const family = (
  name: string,
  type: string,
  help: string,
  samples: readonly string[],
): readonly string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
