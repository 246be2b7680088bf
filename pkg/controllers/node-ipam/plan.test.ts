import { describe, expect, it } from "vitest";
import { checkRanges, nextNodeRange } from "./plan.ts";

describe("nextNodeRange", () => {
  const ranges = { clusterCidr: "10.244.0.0/22", nodeMaskBits: 24 };
  for (const [title, taken, expected] of [
    ["begins at the beginning", [], "10.244.0.0/24"],
    ["takes the first that is free", ["10.244.0.0/24", "10.244.2.0/24"], "10.244.1.0/24"],
    ["knows when there is none left", [0, 1, 2, 3].map((at) => `10.244.${at}.0/24`), undefined],
  ] as const) {
    it(title, () => expect(nextNodeRange(ranges, new Set(taken))).toBe(expected));
  }
});

describe("checkRanges", () => {
  for (const [clusterCidr, nodeMaskBits] of [
    ["10.244.0.0", 24],
    ["10.244.0/16", 24],
    ["10.244.0.0/33", 24],
    ["10.244.0.0/26", 24],
    ["10.244.0.0/16", 31],
  ] as const) {
    it(`refuses a /${nodeMaskBits} of ${clusterCidr}`, () =>
      expect(() => checkRanges({ clusterCidr, nodeMaskBits })).toThrow(clusterCidr));
  }
  it("takes the usual", () => checkRanges({ clusterCidr: "10.244.0.0/16", nodeMaskBits: 24 }));
});
