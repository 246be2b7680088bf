import { describe, expect, it } from "vitest";
import { gatewayOf, hostLinkName, nextAddress, parseCidr, planHostPorts } from "./plan.ts";

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
