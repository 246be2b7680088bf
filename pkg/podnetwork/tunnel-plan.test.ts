import { describe, expect, it } from "vitest";
import { planTunnel, planTunnelTable } from "./tunnel-plan.ts";

const path = (number: number, address: string) => ({
  pods: { address: `10.244.${number}.0`, prefixBits: 24 },
  address,
});
const own = path(1, "10.0.0.1");
const paths = {
  own,
  link: 2,
  direct: [path(2, "10.0.0.2")],
  tunnelled: [path(3, "10.0.7.3"), path(4, "10.0.8.4")],
};
const lan = { mtu: 1500, isLoopback: false };

describe("planTunnel", () => {
  it("has addresses that follow from the node's range", () => {
    expect(planTunnel(paths, lan)).toEqual({
      ip: "10.244.1.0",
      address: Uint8Array.of(0x0a, 0x58, 10, 244, 1, 0),
      mtu: 1450,
      vxlan: { id: 84, port: 8472, local: "10.0.0.1" },
    });
  });

  it("is not there where nobody needs it", () => {
    expect(planTunnel({ ...paths, tunnelled: [] }, lan)).toBeUndefined();
  });

  it("trusts no MTU of a link that packets do not leave by", () => {
    expect(planTunnel(paths, { mtu: 65_536, isLoopback: true })?.mtu).toBe(1450);
  });

  it("sends from whatever address leads there where none of its own does", () => {
    const { link: _, ...elsewhere } = paths;
    const tunnel = planTunnel(elsewhere, undefined);
    expect(tunnel).toMatchObject({ mtu: 1450, vxlan: { id: 84, port: 8472 } });
    expect(tunnel?.vxlan.local).toBeUndefined();
  });
});

describe("planTunnelTable", () => {
  it("opens the port to nodes alone, and tells TCP of the smaller MTU", () => {
    const tunnel = planTunnel(paths, lan);
    if (tunnel === undefined) throw new Error("no tunnel");
    expect(planTunnelTable(tunnel, paths, "tskube0")).toMatchInlineSnapshot(`
      [
        "add table ip tskube-vxlan",
        "delete table ip tskube-vxlan",
        "add table ip tskube-vxlan { comment "tskube: pods of nodes on other links"; }",
        "add set ip tskube-vxlan nodes { type ipv4_addr; elements = { 10.0.0.2, 10.0.7.3, 10.0.8.4 }; }",
        "add chain ip tskube-vxlan input { type filter hook input priority filter; }",
        "add rule ip tskube-vxlan input udp dport 8472 ip saddr != @nodes counter drop",
        "add rule ip tskube-vxlan input udp dport 8472 iifname "tskube0" counter drop",
        "add chain ip tskube-vxlan receive { type filter hook prerouting priority raw; }",
        "add rule ip tskube-vxlan receive ip saddr @nodes udp dport 8472 notrack",
        "add chain ip tskube-vxlan send { type filter hook output priority raw; }",
        "add rule ip tskube-vxlan send ip daddr @nodes udp dport 8472 notrack",
        "add chain ip tskube-vxlan forward { type filter hook forward priority mangle; }",
        "add rule ip tskube-vxlan forward iifname "tskube0" ip daddr @nodes udp dport 8472 counter drop",
        "add rule ip tskube-vxlan forward iifname "tskube-vxlan" tcp flags & (syn | rst) == syn tcp option maxseg size set 1410",
        "add rule ip tskube-vxlan forward oifname "tskube-vxlan" tcp flags & (syn | rst) == syn tcp option maxseg size set 1410",
      ]
    `);
  });
});
