import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chainOf } from "../base/errors.ts";
import { inNetworkNamespace, openNetlink } from "../linux/netlink.ts";
import { openNftables } from "../linux/nftables.ts";
import type { NodePlace } from "./node-paths-plan.ts";
import { NodeRoutes, removeNodeRoutes, type NodeRoutesState } from "./node-routes.ts";

const sh = (command: string): string =>
  execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" });
const prefix = `tskube-routes-${process.pid}`;
const netnsOf = (name: string): string => `${prefix}-${name}`;
const inside = (name: string, command: string): string =>
  sh(`ip netns exec ${netnsOf(name)} ${command}`);

if (process.getuid?.() !== 0) console.log("skipped: routes to nodes: namespaces need root");

/** Nodes a and b on links of their own, a router between them; a's link has node c, too. */
describe.skipIf(process.getuid?.() !== 0)("routes to other nodes' pods (needs root)", () => {
  const nodes = ["a", "b", "c"];
  const links = { a: "one", b: "two", c: "one" } as const;
  const place = (name: string, number: number, address: string): NodePlace => ({
    name,
    podCidr: `10.244.${number}.0/24`,
    address,
  });
  const all = [
    place("a", 1, "10.9.1.11"),
    place("b", 2, "10.9.2.12"),
    place("c", 3, "10.9.1.13"),
  ] as const;
  const routesOf = new Map<string, NodeRoutes>();

  const withDoors = <Result>(
    name: string,
    action: (doors: {
      readonly netlink: ReturnType<typeof openNetlink>;
      readonly nftables: ReturnType<typeof openNftables>;
    }) => Result,
  ): Result => {
    const netns = `/run/netns/${netnsOf(name)}`;
    using netlink = openNetlink(netns);
    return action({ netlink, nftables: inNetworkNamespace(netns, openNftables) });
  };
  const apply = (name: string, places: readonly NodePlace[]): NodeRoutesState =>
    withDoors(name, ({ netlink, nftables }) => {
      const options = { nftables, ownName: name, bridge: "tskube0" };
      const routes = routesOf.get(name) ?? new NodeRoutes(options);
      routesOf.set(name, routes);
      return routes.apply(netlink, places);
    });
  const reaches = (from: string, number: number, ...flags: readonly string[]): void =>
    void inside(from, `ping -c1 -W2 ${flags.join(" ")} 10.244.${number}.1`);

  beforeAll(() => {
    for (const name of ["router", ...nodes]) {
      sh(`ip netns add ${netnsOf(name)}`);
      inside(name, "ip link set lo up");
      const strict = ["ip_forward", "conf/all/rp_filter", "conf/default/rp_filter"];
      for (const one of strict) inside(name, `sh -c 'echo 1 > /proc/sys/net/ipv4/${one}'`);
    }
    for (const [number, link] of Object.entries({ 1: "one", 2: "two" })) {
      inside("router", `ip link add ${link} type bridge`);
      inside("router", `ip addr add 10.9.${number}.1/24 dev ${link}`);
      inside("router", `ip link set ${link} up`);
    }
    for (const [at, name] of (["a", "b", "c"] as const).entries()) {
      const { address = "" } = all[at] ?? {};
      inside(
        "router",
        `ip link add name to-${name} type veth peer name eth0 netns ${netnsOf(name)}`,
      );
      inside("router", `ip link set to-${name} master ${links[name]} up`);
      inside(name, `ip addr add ${address}/24 dev eth0`);
      inside(name, "ip link set eth0 up");
      inside(name, `ip route add default via ${address.replace(/\d+$/, "1")}`);
      inside(name, "ip link add tskube0 type bridge");
      inside(name, `ip addr add 10.244.${at + 1}.1/24 dev tskube0`);
      inside(name, "ip link set tskube0 up");
    }
  });
  afterAll(() => {
    for (const name of ["router", ...nodes]) sh(`ip netns delete ${netnsOf(name)}`);
  });

  it("lead straight to who is on our link, and through a tunnel to the others", () => {
    expect(nodes.map((name) => apply(name, all))).toEqual([
      { direct: 1, tunnelled: 1, changes: 7 },
      { direct: 0, tunnelled: 2, changes: 9 },
      { direct: 1, tunnelled: 1, changes: 7 },
    ]);
    for (const [at, from] of nodes.entries()) {
      for (const number of [1, 2, 3]) if (number !== at + 1) reaches(from, number);
    }
    // Larger than any link: in parts, each of which has room for what is around it.
    reaches("a", 2, "-s 20000");
  });

  it("are left alone while they are right", () => {
    for (const name of nodes) expect(apply(name, all).changes).toBe(0);
    routesOf.clear();
    expect(apply("a", all).changes).toBe(0);
  });

  it("come back after somebody took a part away", () => {
    for (const damage of [
      "ip route flush proto 84",
      "ip neigh flush dev tskube-vxlan nud permanent",
      "bridge fdb del 0a:58:0a:f4:02:00 dev tskube-vxlan",
      "ip link set tskube-vxlan down",
      "ip link set tskube-vxlan mtu 1000",
      "ip addr flush dev tskube-vxlan",
      "ip link delete tskube-vxlan",
    ]) {
      inside("a", damage);
      expect([damage, apply("a", all).changes > 0]).toEqual([damage, true]);
      reaches("a", 2);
      expect([damage, apply("a", all).changes]).toEqual([damage, 0]);
    }
    inside("a", "nft delete table ip tskube-vxlan");
    apply("a", all);
    expect(inside("a", "nft list tables")).toContain("tskube-vxlan");
  });

  it("take the place of whatever else has their device's name", () => {
    inside("a", "ip link delete tskube-vxlan");
    inside("a", "ip link add tskube-vxlan type bridge");
    apply("a", all);
    reaches("a", 2);
  });

  it("say whose device is in the way, and lead wherever it is not needed", () => {
    inside("a", "ip link delete tskube-vxlan");
    inside("a", "ip route flush proto 84");
    inside("a", "ip link add old type vxlan id 84 dstport 8472");
    let failure: unknown;
    try {
      apply("a", all);
    } catch (error) {
      failure = error;
    }
    expect(chainOf(failure)).toContain("another device has its identifier and port");
    reaches("a", 3);
    inside("a", "ip link delete old");
    apply("a", all);
    reaches("a", 2);
  });

  it("follow a node to another address", () => {
    inside("b", "ip addr flush dev eth0");
    inside("b", "ip addr add 10.9.2.99/24 dev eth0");
    inside("b", "ip route add default via 10.9.2.1");
    const moved = [all[0], { ...all[1], address: "10.9.2.99" }, all[2]];
    for (const name of nodes) apply(name, moved);
    reaches("a", 2);
    reaches("b", 3);
    expect(inside("a", "bridge fdb show dev tskube-vxlan")).not.toContain("10.9.2.12");
  });

  it("do without a device when the last that needed it is gone", () => {
    const near = [all[0], all[2]];
    expect(apply("a", near)).toEqual({ direct: 1, tunnelled: 0, changes: 2 });
    reaches("a", 3);
    expect(inside("a", "ip -br link")).not.toContain("vxlan");
    expect(inside("a", "nft list tables")).not.toContain("vxlan");
  });

  it("are taken away whole", () => {
    for (const name of nodes) {
      withDoors(name, ({ netlink, nftables }) => removeNodeRoutes(netlink, nftables));
      withDoors(name, ({ netlink, nftables }) => removeNodeRoutes(netlink, nftables));
      expect(inside(name, "ip -br link")).not.toContain("vxlan");
      expect(inside(name, "ip route")).not.toContain("proto 84");
      expect(inside(name, "nft list tables")).toBe("");
    }
  });
});
