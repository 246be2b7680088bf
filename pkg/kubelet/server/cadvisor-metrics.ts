/** /metrics/cadvisor from what the runtime says of pods and containers (KEP-2371). Pure. */
import {
  MetricType,
  type Metric,
  type MetricDescriptor,
  type PodSandboxMetrics,
} from "../../../api/cri/v1.ts";

/**
 * The text for Prometheus: one family a descriptor, in the descriptors' order, those without a
 * sample left out. What has no descriptor, or not as many values as that has labels, is not shown.
 */
export function cadvisorMetrics(
  descriptors: readonly MetricDescriptor[],
  pods: readonly PodSandboxMetrics[],
): string {
  const all = pods.flatMap(({ metrics = [], containerMetrics = [] }) => [
    ...metrics,
    ...containerMetrics.flatMap((container) => container.metrics ?? []),
  ]);
  const byName = Map.groupBy(all, ({ name = "" }) => name);
  return descriptors
    .flatMap((descriptor) => family(descriptor, byName.get(descriptor.name ?? "") ?? []))
    .map((line) => `${line}\n`)
    .join("");
}

function family(
  { name = "", help = "", labelKeys = [] }: MetricDescriptor,
  metrics: readonly Metric[],
): readonly string[] {
  const whole = metrics.filter(({ labelValues = [] }) => labelValues.length === labelKeys.length);
  const [first] = whole;
  if (first === undefined) return [];
  // Proto3 leaves zeros out: no type is COUNTER, no value is 0.
  const type = first.metricType === MetricType.GAUGE ? "gauge" : "counter";
  const samples = whole.map(({ labelValues = [], value, timestamp = 0n }) => {
    const labels = labelKeys.map((key, at) => `${key}="${escaped(labelValues[at] ?? "")}"`);
    return `${name}{${labels.join(",")}} ${value?.value ?? 0n} ${timestamp / nanosAMilli}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples];
}

/** Prometheus counts milliseconds. */
const nanosAMilli = 1_000_000n;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
