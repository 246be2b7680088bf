import { expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { LateNetwork } from "./late-network.ts";
import type { NetworkSandbox, PodNetwork } from "./pod-network.ts";

const sandbox: NetworkSandbox = {
  id: "a",
  netns: "/run/netns/a",
  podName: "p",
  podNamespace: "default",
  podUid: "u",
  hostPorts: [],
};
const open: PodNetwork = {
  attach: async () => ({ ips: ["10.244.0.2"] }),
  detach: async () => {},
  check: async () => {},
};

it("lets a pod wait for the node's range", async () => {
  const clock = new SimulatedClock();
  const network = new LateNetwork(clock);
  await expect(network.check()).rejects.toThrow("podCIDR");
  const attached = network.attach(sandbox);
  await clock.advance(5_000);
  network.open(open, "10.244.1.0/24");
  expect(network.range).toBe("10.244.1.0/24");
  await network.opened;
  expect(await attached).toEqual({ ips: ["10.244.0.2"] });
});

it("refuses a pod that has waited long, or whose end came first", async () => {
  const clock = new SimulatedClock();
  const network = new LateNetwork(clock);
  const refused = expect(network.attach(sandbox)).rejects.toThrow("podCIDR");
  const stop = new AbortController();
  const stopped = expect(network.attach(sandbox, stop.signal)).rejects.toThrow("stopped");
  stop.abort(new Error("stopped"));
  await clock.advance(10_000);
  await Promise.all([refused, stopped]);
});
