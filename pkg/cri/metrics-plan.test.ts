import { describe, expect, it } from "vitest";
import type { Metric } from "../../api/cri/v1.ts";
import { metricDescriptors, planContainerMetrics, planPodMetrics } from "./metrics-plan.ts";

const owner = {
  container: "web",
  id: "/kubepods/pod1/c1",
  image: "nginx",
  name: "c1",
  namespace: "default",
  pod: "web-1",
};
const facts = (files: Readonly<Record<string, string>>) => ({
  files: new Map(Object.entries(files)),
  layer: { bytes: 4096, inodes: 2 },
  startedAtMs: 1_000_500,
  nowMs: 2_000_000,
  resources: { cpu: { shares: 512 }, memory: { limit: 1024 } },
});
/** "name label=value … value", without the labels that all have. */
function lines(metrics: readonly Metric[]): readonly string[] {
  return metrics.map(({ name = "", labelValues = [], value }) => {
    const keys = metricDescriptors.find((each) => each.name === name)?.labelKeys ?? [];
    expect(keys).toHaveLength(labelValues.length);
    const extra = keys.slice(6).map((key, index) => `${key}=${labelValues[index + 6] ?? ""}`);
    return [name.replace("container_", ""), ...extra, value?.value].join(" ");
  });
}

describe("a container's metrics", () => {
  it("are read from v1's files", () => {
    const metrics = planContainerMetrics(
      facts({
        "cpuacct.usage": "3500000000\n",
        "cpuacct.stat": "user 250\nsystem 100\n",
        "cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 2000000000\n",
        "memory.usage_in_bytes": "9000\n",
        "memory.stat":
          "cache 1\npgfault 5\npgmajfault 6\ntotal_cache 10\ntotal_rss 20\n" +
          "total_inactive_file 1000\ntotal_pgfault 7\ntotal_pgmajfault 8\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        "pids.current": "12\n",
      }),
      owner,
    );
    expect(metrics[0]).toEqual({
      name: "container_cpu_usage_seconds_total",
      timestamp: 2_000_000_000_000n,
      metricType: 0,
      labelValues: ["web", "/kubepods/pod1/c1", "nginx", "c1", "default", "web-1", "total"],
      value: { value: 3n },
    });
    expect(lines(metrics)).toEqual([
      "cpu_usage_seconds_total cpu=total 3",
      "cpu_user_seconds_total 2",
      "cpu_system_seconds_total 1",
      "cpu_cfs_periods_total 10",
      "cpu_cfs_throttled_periods_total 4",
      "cpu_cfs_throttled_seconds_total 2",
      "memory_usage_bytes 9000",
      "memory_working_set_bytes 8000",
      "memory_cache 10",
      "memory_rss 20",
      "memory_failures_total failure_type=pgfault scope=container 5",
      "memory_failures_total failure_type=pgmajfault scope=container 6",
      "memory_failures_total failure_type=pgfault scope=hierarchy 7",
      "memory_failures_total failure_type=pgmajfault scope=hierarchy 8",
      "oom_events_total 3",
      "processes 12",
      "fs_usage_bytes 4096",
      "fs_inodes_used 2",
      "last_seen 2000",
      "start_time_seconds 1000",
      "spec_cpu_shares 512",
      "spec_memory_limit_bytes 1024",
    ]);
  });

  it("are read from v2's files", () => {
    const metrics = planContainerMetrics(
      facts({
        "cpu.stat": "usage_usec 3500000\nuser_usec 2500000\nsystem_usec 1000000\n",
        "memory.current": "9000\n",
        "memory.stat": "anon 20\nfile 10\ninactive_file 1000\nkernel 30\n",
        "memory.events": "max 4\noom_kill 3\n",
        "memory.peak": "9500\n",
      }),
      owner,
    );
    expect(lines(metrics)).toEqual(
      expect.arrayContaining([
        "cpu_usage_seconds_total cpu=total 3",
        "cpu_user_seconds_total 2",
        "memory_working_set_bytes 8000",
        "memory_rss 20",
        "memory_kernel_usage 30",
        "memory_max_usage_bytes 9500",
        "memory_failcnt 4",
        "oom_events_total 3",
      ]),
    );
  });
});

it("a pod's network is read by interface, without its loopback", () => {
  const table = [
    "Inter-|   Receive                    |  Transmit",
    " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop ...",
    "    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0",
    "  eth0: 10 2 3 4 0 0 0 0 50 6 7 8 0 0 0 0",
  ].join("\n");
  expect(lines(planPodMetrics(table, { owner, nowMs: 0 }))).toEqual([
    "network_receive_bytes_total interface=eth0 10",
    "network_receive_packets_total interface=eth0 2",
    "network_receive_errors_total interface=eth0 3",
    "network_receive_packets_dropped_total interface=eth0 4",
    "network_transmit_bytes_total interface=eth0 50",
    "network_transmit_packets_total interface=eth0 6",
    "network_transmit_errors_total interface=eth0 7",
    "network_transmit_packets_dropped_total interface=eth0 8",
  ]);
});
