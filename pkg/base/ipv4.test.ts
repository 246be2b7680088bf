import { describe, expect, it } from "vitest";
import { formatIpv4, parseIpv4, parseIpv4Range } from "./ipv4.ts";

describe("addresses", () => {
  for (const text of ["0.0.0.0", "10.0.0.7", "192.168.255.1", "255.255.255.255"])
    it(`${text} comes back`, () => expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text));

  it("counts as addresses do", () => expect(parseIpv4("1.2.3.4")).toBe(0x01_02_03_04));

  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.x",
    "::1",
    "1..2.3",
  ])
    it(`"${text}" is none`, () => expect(parseIpv4(text)).toBeUndefined());
});

describe("ranges", () => {
  for (const [cidr, base, size] of [
    ["10.244.0.0/16", "10.244.0.0", 65_536],
    ["10.0.0.7/24", "10.0.0.0", 256],
    ["200.1.2.3/32", "200.1.2.3", 1],
    ["200.1.2.3/0", "0.0.0.0", 2 ** 32],
  ] as const)
    it(cidr, () => {
      const range = parseIpv4Range(cidr);
      expect(range?.size).toBe(size);
      expect(formatIpv4(range?.base ?? -1)).toBe(base);
      expect(cidr).toMatch(new RegExp(`/${range?.prefixBits}$`));
    });

  for (const cidr of ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0/8", "::/8"])
    it(`"${cidr}" is none`, () => expect(parseIpv4Range(cidr)).toBeUndefined());
});
