import { expect, it } from "vitest";
import { parseNetworkDevices, planCpuUsage, planMemoryUsage } from "./stats-plan.ts";

it("reads CPU time of both styles", () => {
  expect(planCpuUsage({ stat: "usage_usec 12\nuser_usec 1\n", usage: undefined })).toBe(12_000n);
  expect(planCpuUsage({ stat: "nr_periods 0\n", usage: "777\n" })).toBe(777n);
  expect(planCpuUsage({ stat: undefined, usage: undefined })).toBeUndefined();
});

it("takes inactive file pages off the working set", () => {
  const v2 = { stat: "anon 40\ninactive_file 30\npgfault 5\n", current: "100\n", limit: "200\n" };
  expect(planMemoryUsage(v2)).toEqual({
    workingSetBytes: { value: 70n },
    usageBytes: { value: 100n },
    rssBytes: { value: 40n },
    pageFaults: { value: 5n },
    majorPageFaults: { value: 0n },
    availableBytes: { value: 130n },
  });
  const v1 = {
    stat: "inactive_file 1\ntotal_inactive_file 30\n",
    current: "20",
    limit: "9223372036854771712",
  };
  expect(planMemoryUsage(v1)?.workingSetBytes).toEqual({ value: 0n });
  expect(planMemoryUsage(v1)?.availableBytes).toBeUndefined();
});

it("reads interfaces", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop
  eth0:    1000      10    1    0    0     0          0         0     2000      20    2 0 0 0 0 0
`;
  expect(parseNetworkDevices(text)).toEqual([
    {
      name: "eth0",
      rxBytes: { value: 1000n },
      rxErrors: { value: 1n },
      txBytes: { value: 2000n },
      txErrors: { value: 2n },
    },
  ]);
});
