import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNftables } from "../linux/nftables.ts";
import { openBridgeNetwork, removeBridgeNetwork } from "./bridge-network.ts";
import type { NetworkSandbox, PodNetwork } from "./pod-network.ts";

const sh = (command: string): string =>
  execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" });
const bridge = "tskubetest0";
const sandbox = (name: string): NetworkSandbox => ({
  id: `${name}0123456789abcdef`,
  netns: `/run/netns/tskube-test-${name}`,
  podName: name,
  podNamespace: "default",
  podUid: name,
  hostPorts: [],
});
const inPod = (name: string, command: string): string =>
  sh(`ip netns exec tskube-test-${name} ${command}`);

describe.skipIf(process.getuid?.() !== 0)("the bridge network (needs root)", () => {
  const folder = mkdtempSync(join(tmpdir(), "tskube-network-"));
  let network: PodNetwork;
  const open = (): Promise<PodNetwork> =>
    openBridgeNetwork({
      bridge,
      podCidr: "10.231.7.0/24",
      serviceCidr: "10.232.0.0/16",
      mtu: 1500,
      stateFolder: folder,
      nftables: openNftables(),
    });
  beforeAll(async () => {
    for (const name of ["a", "b"]) sh(`ip netns add tskube-test-${name}`);
    network = await open();
  });
  afterAll(() => {
    for (const name of ["a", "b"]) sh(`ip netns delete tskube-test-${name}`);
    removeBridgeNetwork(bridge, openNftables());
    rmSync(folder, { recursive: true });
  });

  it("gives pods addresses with which they reach the node and each other", async () => {
    const a = await network.attach(sandbox("a"));
    const b = await network.attach(sandbox("b"));
    expect([...a.ips, ...b.ips]).toEqual(["10.231.7.2", "10.231.7.3"]);
    inPod("a", "ping -c1 -W2 10.231.7.1");
    inPod("a", "ping -c1 -W2 10.231.7.3");
    sh("ping -c1 -W2 10.231.7.2");
  });

  it("attaches the same sandbox once, also after a restart", async () => {
    network = await open();
    expect(await network.attach(sandbox("a"))).toEqual({ ips: ["10.231.7.2"] });
    inPod("a", "ping -c1 -W2 10.231.7.3");
  });

  it("detaches, and gives the address back last", async () => {
    await network.detach(sandbox("a"));
    await network.detach(sandbox("a"));
    expect(() => sh(`ip link show veth${sandbox("a").id.slice(0, 11)} 2>/dev/null`)).toThrow();
    expect(await network.attach(sandbox("a"))).toEqual({ ips: ["10.231.7.4"] });
  });

  it("has a table of its own in the packet filter", () => {
    expect(sh("nft list table ip tskube-pods")).toContain("masquerade");
  });
});
