import { describe, expect, it } from "vitest";
import type { CgroupHost } from "./cgroup-host.ts";
import { cpuWeight, planDeviceWrites, planLimits, type Limits } from "./cgroup-plan.ts";

const names = ["cpu", "cpuset", "memory", "pids", "devices", "blkio"];
const v1: CgroupHost = {
  style: "v1",
  hierarchies: names.map((name) => ({ mount: `/c/${name}`, controllers: [name] })),
  unifiedControllers: [],
};
const v2: CgroupHost = {
  style: "v2",
  hierarchies: [],
  unified: "/c",
  unifiedControllers: ["cpu", "cpuset", "memory", "pids", "io"],
};
const lines = (host: CgroupHost, limits: Limits): string[] =>
  planLimits(host, limits).map(({ file, content }) => `${file}=${content}`);

describe("limits become writes", () => {
  for (const [title, limits, onV1, onV2] of [
    ["pids", { pids: { limit: 10 } }, ["pids.max=10"], ["pids.max=10"]],
    ["no pids limit", { pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
    [
      "memory without more swap",
      { memory: { limit: 1048576, swap: 1048576 } },
      ["memory.limit_in_bytes=1048576", "memory.memsw.limit_in_bytes=1048576"],
      ["memory.max=1048576", "memory.swap.max=0"],
    ],
    [
      "unlimited memory",
      { memory: { limit: -1 } },
      ["memory.limit_in_bytes=-1"],
      ["memory.max=max"],
    ],
    [
      "cpu",
      { cpu: { shares: 1024, quota: 50_000, period: 100_000 } },
      ["cpu.shares=1024", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"],
      ["cpu.weight=100", "cpu.max=50000 100000"],
    ],
    ["no cpu quota", { cpu: { quota: -1 } }, ["cpu.cfs_quota_us=-1"], ["cpu.max=max 100000"]],
    [
      "cpuset",
      { cpu: { cpus: "0-1", mems: "0" } },
      ["cpuset.cpus=0-1", "cpuset.mems=0"],
      ["cpuset.cpus=0-1", "cpuset.mems=0"],
    ],
    ["what the host lacks", { hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }, [], []],
  ] as const) {
    it(title, () => {
      expect(lines(v1, limits)).toEqual(onV1);
      expect(lines(v2, limits)).toEqual(onV2);
    });
  }
});

it("maps shares to weights through the least, the usual and the most", () => {
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 100, 10_000]);
  expect(cpuWeight(512)).toBeLessThan(100);
});

it("writes device rules in order", () => {
  const rules = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rw" },
    { allow: true, type: "b", major: 8, access: "r" },
  ];
  expect(planDeviceWrites(rules).map(({ file, content }) => `${file} ${content}`)).toEqual([
    "devices.deny a",
    "devices.allow c 1:3 rw",
    "devices.allow b 8:* r",
  ]);
});
