import assert from "node:assert/strict";
import { it } from "vitest";
import { cadvisorMetrics } from "./cadvisor-metrics.ts";

it("the runtime's metrics as Prometheus reads them", () => {
  const descriptors = [
    { name: "cpu_total", help: "CPU time", labelKeys: ["pod", "cpu"] },
    { name: "unseen", help: "Nothing", labelKeys: ["pod"] },
    { name: "memory", help: "Memory", labelKeys: ["pod"] },
  ];
  const gauge = { name: "memory", metricType: 1, timestamp: 2_000_000n } as const;
  const pods = [
    {
      podSandboxId: "1",
      metrics: [{ ...gauge, labelValues: ['a"\\\n'], value: { value: 7n } }],
      containerMetrics: [
        { containerId: "c", metrics: [{ name: "cpu_total", labelValues: ["a", "total"] }] },
      ],
    },
    {
      metrics: [
        { ...gauge, labelValues: ["b"], value: { value: 8n } },
        { ...gauge, labelValues: ["too", "many"] },
        { name: "unknown", labelValues: [] },
      ],
    },
  ];
  assert.equal(
    cadvisorMetrics(descriptors, pods),
    `# HELP cpu_total CPU time
# TYPE cpu_total counter
cpu_total{pod="a",cpu="total"} 0 0
# HELP memory Memory
# TYPE memory gauge
memory{pod="a\\"\\\\\\n"} 7 2
memory{pod="b"} 8 2
`,
  );
});
