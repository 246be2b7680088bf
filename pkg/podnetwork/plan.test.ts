import { describe, expect, it } from "vitest";
import {
  gatewayOf,
  hostLinkName,
  mtuOf,
  nextAddress,
  parseCidr,
  planHostPorts,
  planPodSide,
} from "./plan.ts";

describe("nextAddress", () => {
  const cidr = parseCidr("10.244.0.0/29"); // .1 is the gateway, .7 broadcast: .2 to .6 are free
  for (const [title, taken, last, expected] of [
    ["begins behind the gateway", [], undefined, "10.244.0.2"],
    ["goes on from the last one", [], "10.244.0.3", "10.244.0.4"],
    ["passes over taken ones", ["10.244.0.4", "10.244.0.5"], "10.244.0.3", "10.244.0.6"],
    ["begins again at the end", [], "10.244.0.6", "10.244.0.2"],
    [
      "knows when none is left",
      [2, 3, 4, 5, 6].map((end) => `10.244.0.${end}`),
      undefined,
      undefined,
    ],
  ] as const) {
    it(title, () => expect(nextAddress(cidr, new Set(taken), last)).toBe(expected));
  }
});

describe("CIDRs", () => {
  it("give the first address to the gateway", () => {
    expect(gatewayOf(parseCidr("10.244.3.0/24"))).toBe("10.244.3.1");
    expect(gatewayOf(parseCidr("10.244.3.77/26"))).toBe("10.244.3.65");
  });
  for (const wrong of [
    "10.244.0.0",
    "10.244.0/24",
    "10.244.0.0/33",
    "a.b.c.d/8",
    "10.244.0.256/24",
  ]) {
    it(`refuses ${wrong}`, () => expect(() => parseCidr(wrong)).toThrow(/not a/));
  }
});

it("link names fit the kernel's 15 characters", () => {
  expect(hostLinkName("0123456789abcdef0123456789abcdef")).toHaveLength(15);
});

describe("host ports become map elements", () => {
  for (const [hostIp, map, key] of [
    ["", "host-ports", "tcp . 8080"],
    ["0.0.0.0", "host-ports", "tcp . 8080"],
    ["127.0.0.1", "host-address-ports", "127.0.0.1 . tcp . 8080"],
  ] as const) {
    it(`of ${hostIp === "" ? "no address" : hostIp}`, () => {
      const port = { protocol: "TCP", containerPort: 80, hostPort: 8080, hostIp } as const;
      expect(planHostPorts("add", "10.244.0.2", [port])).toEqual([
        `add element ip tskube-pods ${map} { ${key} : 10.244.0.2 . 80 }`,
      ]);
      expect(planHostPorts("delete", "10.244.0.2", [port])).toEqual([
        `delete element ip tskube-pods ${map} { ${key} }`,
      ]);
    });
  }
  it("of IPv4 only", () => {
    const port = { protocol: "TCP", containerPort: 80, hostPort: 8080, hostIp: "::1" } as const;
    expect(planHostPorts("add", "10.244.0.2", [port])).toEqual([]);
  });
});

describe("a pod's path", () => {
  const defaultRoute = (pathMtu?: number) =>
    planPodSide("10.0.0.2", "10.0.0.1", {
      loopback: 1,
      eth0: 2,
      ...(pathMtu === undefined ? {} : { pathMtu }),
    }).at(-1);

  it("is told where it is narrower than the link", () => {
    expect(defaultRoute(1450)).toMatchObject({ gateway: "10.0.0.1", mtu: 1450 });
    expect(defaultRoute()).not.toHaveProperty("mtu");
  });

  it("is as wide as the node's own, which is not loopback's", () => {
    expect(mtuOf({ mtu: 9001, isLoopback: false })).toBe(9001);
    expect(mtuOf({ mtu: 65_536, isLoopback: true })).toBe(1500);
    expect(mtuOf(undefined)).toBe(1500);
  });
});
