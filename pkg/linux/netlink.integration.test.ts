import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNetlink, type Netlink } from "./netlink.ts";

const sh = (command: string): string =>
  execFileSync("/bin/sh", ["-c", command], { encoding: "utf8" });
const name = `tskube-netlink-${process.pid}`;
const inside = (command: string): string => sh(`ip netns exec ${name} ${command}`);
const hardware = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

if (process.getuid?.() !== 0) console.log("skipped: route netlink: namespaces need root");

/** What we ask for is seen through iproute2, and what iproute2 makes is seen through us. */
describe.skipIf(process.getuid?.() !== 0)("route netlink (needs root)", () => {
  let netlink: Netlink;
  const indexOf = (link: string): number => netlink.linkIndex(link) ?? 0;
  beforeAll(() => {
    sh(`ip netns add ${name}`);
    netlink = openNetlink(`/run/netns/${name}`);
    inside("ip link set lo up");
    inside("ip link add left type veth peer name right");
    inside("ip addr add 192.0.2.1/24 dev left");
    inside("ip link set left up mtu 1400");
    inside("ip link set right up");
  });
  afterAll(() => {
    netlink[Symbol.dispose]();
    sh(`ip netns delete ${name}`);
  });

  it("tells links and their addresses", () => {
    const left = netlink.link("left");
    expect(left).toMatchObject({ name: "left", isUp: true, mtu: 1400, kind: "veth" });
    expect(left?.address.toHex().replaceAll(/..(?=.)/g, "$&:")).toBe(
      inside("cat /sys/class/net/left/address").trim(),
    );
    expect(netlink.link(left?.index ?? 0)).toEqual(left);
    expect(netlink.link("absent")).toBeUndefined();
    expect(netlink.link(999_999)).toBeUndefined();
    const index = indexOf("left");
    expect(netlink.addresses()).toContainEqual({ address: "192.0.2.1", prefixBits: 24, index });
  });

  const vxlan = { id: 84, port: 8472, local: "192.0.2.1" };
  const address = hardware(0x0a, 0x58, 10, 244, 0, 0);

  it("makes a VXLAN device that learns nothing, changes and removes it", () => {
    netlink.request({ do: "add-vxlan", name: "vx", address, mtu: 1350, vxlan });
    const told = inside("ip -d link show vx");
    expect(told).toMatch(/vxlan id 84 local 192\.0\.2\.1 .*dstport 8472 nolearning/);
    expect(told).toContain("0a:58:0a:f4:00:00");
    const made = { name: "vx", mtu: 1350, kind: "vxlan", address, vxlan, isUp: false };
    expect(netlink.link("vx")).toMatchObject(made);
    netlink.request({ do: "set-link", index: indexOf("vx"), up: true, mtu: 1300 });
    expect(netlink.link("vx")).toMatchObject({ ...made, mtu: 1300, isUp: true });
    netlink.request({ do: "delete-link", name: "vx" });
    expect(netlink.link("vx")).toBeUndefined();
    const { local: _, ...anywhere } = vxlan;
    netlink.request({ do: "add-vxlan", name: "vx", address, mtu: 1350, vxlan: anywhere });
    expect(netlink.link("vx")?.vxlan).toEqual(anywhere);
    netlink.request({ do: "delete-link", name: "vx" });
  });

  it("sets, follows and removes neighbours and forwarding entries", () => {
    netlink.request({ do: "add-vxlan", name: "vx", address, mtu: 1350, vxlan });
    const index = indexOf("vx");
    netlink.request({ do: "set-link", index, up: true });
    const hardwareAddress = hardware(0x0a, 0x58, 10, 244, 1, 0);
    const neighbour = { index, ip: "10.244.1.0", hardwareAddress };
    for (const ip of ["192.0.2.7", "192.0.2.8"]) {
      netlink.request({ do: "set-forwarding", index, ip, hardwareAddress });
      netlink.request({ do: "set-neighbour", ...neighbour });
      expect(netlink.forwarding(index)).toEqual([{ index, ip, hardwareAddress }]);
      expect(netlink.neighbours(index)).toEqual([neighbour]);
    }
    expect(inside("bridge fdb show dev vx")).toMatch(
      /0a:58:0a:f4:01:00 dst 192\.0\.2\.8 self permanent/,
    );
    expect(inside("ip neigh show dev vx")).toMatch(/10\.244\.1\.0 lladdr \S+ PERMANENT/);
    expect(netlink.neighbours(indexOf("left"))).toEqual([]);
    netlink.request({ do: "delete-forwarding", index, ip: "192.0.2.8", hardwareAddress });
    netlink.request({ do: "delete-neighbour", index, ip: "10.244.1.0" });
    expect([...netlink.forwarding(index), ...netlink.neighbours(index)]).toEqual([]);
    netlink.request({ do: "delete-link", name: "vx" });
  });

  it("lists all entries, though they are told in parts", () => {
    netlink.request({ do: "add-vxlan", name: "vx", address, mtu: 1350, vxlan });
    const index = indexOf("vx");
    netlink.request({ do: "set-link", index, up: true });
    for (let node = 0; node < 1_000; node++) {
      const [high, low] = [node >> 8, node & 0xff];
      const hardwareAddress = hardware(0x0a, 0x58, 10, 200, high, low);
      netlink.request({ do: "set-forwarding", index, ip: "192.0.2.9", hardwareAddress });
      netlink.request({ do: "set-neighbour", index, ip: `10.${high}.${low}.0`, hardwareAddress });
    }
    expect(netlink.forwarding(index)).toHaveLength(1_000);
    expect(netlink.neighbours(index)).toHaveLength(1_000);
    netlink.request({ do: "delete-link", name: "vx" });
  });

  it("routes over a gateway that no subnet of the link holds, and replaces that route", () => {
    const destination = { address: "10.244.1.0", prefixBits: 24 };
    const protocol = 84;
    const [left, right] = [indexOf("left"), indexOf("right")];
    const add = { do: "add-route", destination, scope: "universe", protocol } as const;
    const gateway = "10.244.1.0";
    expect(() => netlink.request({ ...add, gateway, index: right })).toThrow("ENETUNREACH");
    netlink.request({ ...add, gateway, index: right, onLink: true });
    expect(inside("ip route show proto 84")).toMatch(/via 10\.244\.1\.0 dev right onlink/);
    netlink.request({ ...add, gateway: "192.0.2.2", index: left, mtu: 1350 });
    expect(inside("ip route show proto 84")).toMatch(/via 192\.0\.2\.2 dev left mtu 1350/);
    expect(netlink.gatewayRoutes(protocol)).toEqual([
      { destination, gateway: "192.0.2.2", index: left, protocol },
    ]);
    netlink.request({ do: "delete-route", destination, protocol });
    expect(netlink.gatewayRoutes(protocol)).toEqual([]);
  });
});
