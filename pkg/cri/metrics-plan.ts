/**
 * What a container uses, as metrics under cAdvisor's names (KEP-2371): one table says what there
 * is, what it means and how it is read from cgroup files of v1 or v2. Pure.
 */
import { MetricType, type Metric, type MetricDescriptor } from "../../api/cri/v1.ts";
import type { Resources } from "../../api/oci/runtime.ts";

/** Files that are read of each container: v1's, then v2's. What is not there is not counted. */
export const metricFiles: readonly (readonly [controller: string, file: string])[] = [
  ["cpuacct", "cpuacct.usage"],
  ["cpuacct", "cpuacct.stat"],
  ["cpu", "cpu.stat"],
  ["memory", "memory.stat"],
  ["memory", "memory.usage_in_bytes"],
  ["memory", "memory.max_usage_in_bytes"],
  ["memory", "memory.failcnt"],
  ["memory", "memory.kmem.usage_in_bytes"],
  ["memory", "memory.oom_control"],
  ["memory", "memory.current"],
  ["memory", "memory.peak"],
  ["memory", "memory.events"],
  ["memory", "memory.swap.current"],
  ["pids", "pids.current"],
];

export interface ContainerFacts {
  /** Contents by file name. */
  readonly files: ReadonlyMap<string, string>;
  /** What it has written. */
  readonly layer: { readonly bytes: number; readonly inodes: number };
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly resources: Resources;
}

/** Values of the labels that every metric of a container or a pod has. */
export interface MetricOwner {
  readonly container: string;
  /** The cgroup's path. */
  readonly id: string;
  readonly image: string;
  /** The container's id. */
  readonly name: string;
  readonly namespace: string;
  readonly pod: string;
}

const ownLabels = ["container", "id", "image", "name", "namespace", "pod"] as const;

interface Sample {
  readonly value: bigint;
  /** Of the metric's own labels, in their order. */
  readonly labels?: readonly string[];
}

interface Definition<Facts> {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly labels?: readonly string[];
  readonly samples: (facts: Facts) => readonly Sample[];
}

type Read = (facts: ContainerFacts) => bigint | undefined;

const one =
  (read: Read, labels?: readonly string[]) =>
  (facts: ContainerFacts): readonly Sample[] => {
    const value = read(facts);
    if (value === undefined) return [];
    return [labels === undefined ? { value } : { value, labels }];
  };

/** The first of the files that holds a number. */
const number =
  (...names: readonly string[]): Read =>
  ({ files }) => {
    const text = names.map((name) => files.get(name)?.trim()).find((each) => each !== undefined);
    return text !== undefined && /^[0-9]+$/.test(text) ? BigInt(text) : undefined;
  };

/** "name value" lines of a file. */
const field =
  (file: string, ...names: readonly string[]): Read =>
  ({ files }) => {
    const lines = files.get(file)?.split("\n") ?? [];
    for (const name of names) {
      const line = lines.find((each) => each.startsWith(`${name} `));
      if (line !== undefined) return BigInt(line.slice(name.length + 1).trim());
    }
    return undefined;
  };

const first =
  (...reads: readonly Read[]): Read =>
  (facts) =>
    reads.map((read) => read(facts)).find((value) => value !== undefined);

const scaled =
  (read: Read, divisor: bigint): Read =>
  (facts) => {
    const value = read(facts);
    return value === undefined ? undefined : value / divisor;
  };

const nanosASecond = 1_000_000_000n;
const microsASecond = 1_000_000n;
/** USER_HZ, in which v1 counts (proc(5)). */
const ticksASecond = 100n;

const usage = number("memory.usage_in_bytes", "memory.current");
const workingSet: Read = (facts) => {
  const used = usage(facts);
  if (used === undefined) return undefined;
  const inactive = field("memory.stat", "total_inactive_file", "inactive_file")(facts) ?? 0n;
  return used > inactive ? used - inactive : 0n;
};
const given = (value: number | undefined): bigint | undefined =>
  value === undefined || value < 0 ? undefined : BigInt(Math.trunc(value));

const faults = (scope: "container" | "hierarchy", prefix: string) =>
  (["pgfault", "pgmajfault"] as const).map((kind) =>
    one(field("memory.stat", `${prefix}${kind}`, kind), [kind, scope]),
  );

const counter = (name: string, help: string, read: Read): Definition<ContainerFacts> => ({
  name,
  help,
  type: "counter",
  samples: one(read),
});
const gauge = (name: string, help: string, read: Read): Definition<ContainerFacts> => ({
  ...counter(name, help, read),
  type: "gauge",
});

const cpuDefinitions: readonly Definition<ContainerFacts>[] = [
  {
    ...counter("container_cpu_usage_seconds_total", "CPU time used, in seconds", () => undefined),
    labels: ["cpu"],
    samples: one(
      first(
        scaled(number("cpuacct.usage"), nanosASecond),
        scaled(field("cpu.stat", "usage_usec"), microsASecond),
      ),
      ["total"],
    ),
  },
  counter(
    "container_cpu_user_seconds_total",
    "CPU time used by programs, in seconds",
    first(
      scaled(field("cpuacct.stat", "user"), ticksASecond),
      scaled(field("cpu.stat", "user_usec"), microsASecond),
    ),
  ),
  counter(
    "container_cpu_system_seconds_total",
    "CPU time used by the kernel for it, in seconds",
    first(
      scaled(field("cpuacct.stat", "system"), ticksASecond),
      scaled(field("cpu.stat", "system_usec"), microsASecond),
    ),
  ),
  counter(
    "container_cpu_cfs_periods_total",
    "Periods in which its CPU limit was enforced",
    field("cpu.stat", "nr_periods"),
  ),
  counter(
    "container_cpu_cfs_throttled_periods_total",
    "Periods in which it was held back",
    field("cpu.stat", "nr_throttled"),
  ),
  counter(
    "container_cpu_cfs_throttled_seconds_total",
    "How long it was held back, in seconds",
    first(
      scaled(field("cpu.stat", "throttled_usec"), microsASecond),
      scaled(field("cpu.stat", "throttled_time"), nanosASecond),
    ),
  ),
];

const memoryDefinitions: readonly Definition<ContainerFacts>[] = [
  gauge("container_memory_usage_bytes", "Memory used, caches included", usage),
  gauge("container_memory_working_set_bytes", "Memory that it cannot give back", workingSet),
  gauge(
    "container_memory_cache",
    "Bytes of page cache",
    field("memory.stat", "total_cache", "file"),
  ),
  gauge("container_memory_rss", "Bytes of its own data", field("memory.stat", "total_rss", "anon")),
  gauge(
    "container_memory_mapped_file",
    "Bytes of mapped files",
    field("memory.stat", "total_mapped_file", "file_mapped"),
  ),
  gauge(
    "container_memory_swap",
    "Bytes in swap",
    first(field("memory.stat", "total_swap"), number("memory.swap.current")),
  ),
  gauge(
    "container_memory_kernel_usage",
    "Bytes that the kernel holds for it",
    first(number("memory.kmem.usage_in_bytes"), field("memory.stat", "kernel")),
  ),
  gauge(
    "container_memory_max_usage_bytes",
    "The most memory that it has used",
    number("memory.max_usage_in_bytes", "memory.peak"),
  ),
  counter(
    "container_memory_failcnt",
    "How often its limit was reached",
    first(number("memory.failcnt"), field("memory.events", "max")),
  ),
  {
    ...counter("container_memory_failures_total", "Page faults", () => undefined),
    labels: ["failure_type", "scope"],
    samples: (facts) =>
      [...faults("container", ""), ...faults("hierarchy", "total_")].flatMap((read) => read(facts)),
  },
  counter(
    "container_oom_events_total",
    "Processes killed for want of memory",
    first(field("memory.events", "oom_kill"), field("memory.oom_control", "oom_kill")),
  ),
];

const otherDefinitions: readonly Definition<ContainerFacts>[] = [
  gauge("container_processes", "Its processes and threads", number("pids.current")),
  gauge("container_fs_usage_bytes", "Bytes that it has written", ({ layer }) =>
    BigInt(layer.bytes),
  ),
  gauge("container_fs_inodes_used", "Files that it has made", ({ layer }) => BigInt(layer.inodes)),
  gauge("container_last_seen", "When it was looked at, in seconds since 1970", ({ nowMs }) =>
    BigInt(Math.trunc(nowMs / 1000)),
  ),
  gauge("container_start_time_seconds", "When it was started, since 1970", ({ startedAtMs }) =>
    BigInt(Math.trunc(startedAtMs / 1000)),
  ),
  gauge("container_spec_cpu_period", "Period of its CPU limit, in microseconds", (facts) =>
    given(facts.resources.cpu?.period),
  ),
  gauge("container_spec_cpu_quota", "CPU time in a period, in microseconds", (facts) =>
    given(facts.resources.cpu?.quota),
  ),
  gauge("container_spec_cpu_shares", "Its share of the CPUs", (facts) =>
    given(facts.resources.cpu?.shares),
  ),
  gauge("container_spec_memory_limit_bytes", "Its memory limit", (facts) =>
    given(facts.resources.memory?.limit),
  ),
];

const containerDefinitions: readonly Definition<ContainerFacts>[] = [
  ...cpuDefinitions,
  ...memoryDefinitions,
  ...otherDefinitions,
];

/** /proc/<pid>/net/dev: its columns, by direction. */
const columns = { receive: 0, transmit: 8 } as const;
const kinds = { bytes: 0, packets: 1, errors: 2, packets_dropped: 3 } as const;

const networkDefinitions: readonly Definition<string>[] = (
  Object.entries(columns) as [keyof typeof columns, number][]
).flatMap(([direction, column]) =>
  (Object.entries(kinds) as [keyof typeof kinds, number][]).map(([kind, offset]) => ({
    name: `container_network_${direction}_${kind}_total`,
    help: `Network ${kind.replace("_", " ")}, ${direction}`,
    type: "counter",
    labels: ["interface"],
    samples: (table) =>
      interfacesOf(table).map(({ name, counts }) => ({
        value: BigInt(counts[column + offset] ?? "0"),
        labels: [name],
      })),
  })),
);

const interfacesOf = (table: string) =>
  table.split("\n").flatMap((line) => {
    const match = /^\s*([^:\s]+):\s*(.+)$/.exec(line);
    const counts = (match?.[2] ?? "").trim().split(/\s+/);
    const name = match?.[1] ?? "";
    return counts.length < 16 || name === "lo" ? [] : [{ name, counts }];
  });

/** What ListMetricDescriptors says; metrics that are not in it are never sent. */
export const metricDescriptors: readonly MetricDescriptor[] = [
  ...containerDefinitions,
  ...networkDefinitions,
].map(({ name, help, labels = [] }) => ({ name, help, labelKeys: [...ownLabels, ...labels] }));

export const planContainerMetrics = (
  facts: ContainerFacts,
  owner: MetricOwner,
): readonly Metric[] => metricsOf(containerDefinitions, facts, { owner, nowMs: facts.nowMs });

/** `table`: /proc/<pid>/net/dev of a process of the pod. */
export const planPodMetrics = (
  table: string,
  about: { readonly owner: MetricOwner; readonly nowMs: number },
): readonly Metric[] => metricsOf(networkDefinitions, table, about);

function metricsOf<Facts>(
  definitions: readonly Definition<Facts>[],
  facts: Facts,
  { owner, nowMs }: { readonly owner: MetricOwner; readonly nowMs: number },
): readonly Metric[] {
  const own = ownLabels.map((label) => owner[label]);
  return definitions.flatMap(({ name, type, samples }) =>
    samples(facts).map(({ value, labels = [] }) => ({
      name,
      // Nanoseconds since 1970, as all times of CRI.
      timestamp: BigInt(Math.trunc(nowMs)) * 1_000_000n,
      metricType: type === "counter" ? MetricType.COUNTER : MetricType.GAUGE,
      labelValues: [...own, ...labels],
      value: { value },
    })),
  );
}
