import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

  it("makes what a killed run left out of its bridge", async () => {
    sh(`ip addr flush dev ${bridge}; ip link set ${bridge} down`);
    network = await open();
    inPod("a", "ping -c1 -W2 10.231.7.1");
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

  describe("host ports", () => {
    const serving = `require("node:net").createServer((socket) => socket.end(socket.remoteAddress))
      .listen(80, () => console.log("ready")); process.stdin.on("end", () => process.exit()).resume()`;
    const asking = `const socket = require("node:net").connect(Number(process.argv[2]), process.argv[1]);
      socket.setTimeout(1000, () => socket.destroy(new Error("silence")));
      socket.on("data", (text) => console.log(String(text)));
      socket.on("error", (error) => console.log(error.code ?? error.message))`;
    const ask = async (host: string, port: number, ...within: string[]): Promise<string> => {
      const words = [...within, process.execPath, "-e", asking, host, `${port}`];
      const { stdout } = await promisify(execFile)("env", words, { timeout: 10_000 });
      return stdout.trim();
    };
    const withPorts: NetworkSandbox = {
      ...sandbox("c"),
      hostPorts: [
        { protocol: "TCP", containerPort: 80, hostPort: 30_777, hostIp: "" },
        { protocol: "TCP", containerPort: 80, hostPort: 30_778, hostIp: "127.0.0.1" },
      ],
    };
    let child: ChildProcess;
    beforeAll(async () => {
      sh("ip netns add tskube-test-c");
      await network.attach(withPorts);
      const words = ["netns", "exec", "tskube-test-c", process.execPath, "-e", serving];
      child = spawn("ip", words, { stdio: ["pipe", "pipe", "inherit"] });
      await once(child.stdout ?? child, "data");
    });
    afterAll(async () => {
      child.stdin?.end();
      await once(child, "exit");
      await network.detach(withPorts);
      sh("ip netns delete tskube-test-c");
      sh("nft delete table ip tskube-test");
    });

    it("answer on the node's addresses, 127.0.0.1 among them", async () => {
      expect(await ask("127.0.0.1", 30_777)).toContain("10.231.7.1");
      expect(await ask("10.231.7.1", 30_777)).toContain("10.231.7.1");
    });

    it("with an address of their own answer there, and nowhere else", async () => {
      expect(await ask("127.0.0.1", 30_778)).toContain("10.231.7.1");
      expect(await ask("10.231.7.1", 30_778)).toBe("ECONNREFUSED");
      network = await open();
      expect(await ask("127.0.0.1", 30_778)).toContain("10.231.7.1");
    });

    it("open the node's loopback to no pod", async () => {
      // Counts what comes for 127.0.0.1 from pods, before and behind the guard.
      for (const [chain, priority] of Object.entries({ before: -310, behind: -290 })) {
        sh("nft add table ip tskube-test");
        sh(
          `nft 'add chain ip tskube-test ${chain} { type filter hook prerouting priority ${priority}; }'`,
        );
        sh(`nft add rule ip tskube-test ${chain} iifname ${bridge} ip daddr 127.0.0.0/8 counter`);
      }
      // A pod that sends what is meant for 127.0.0.1 out to the node.
      inPod("c", "sh -c 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet'");
      inPod("c", "ip route del local 127.0.0.0/8 dev lo table local");
      inPod("c", "ip route del local 127.0.0.1 dev lo table local");
      inPod("c", "ip route add 127.0.0.1 via 10.231.7.1 dev eth0 src 10.231.7.5");
      const pod = ["ip", "netns", "exec", "tskube-test-c"];
      expect(await ask("127.0.0.1", 9, ...pod)).toBe("silence");
      expect(sh("nft list chain ip tskube-test before")).toMatch(/counter packets [1-9]/);
      expect(sh("nft list chain ip tskube-test behind")).toContain("counter packets 0 ");
    });
  });
});
