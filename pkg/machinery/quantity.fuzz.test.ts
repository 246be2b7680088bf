import { describe, expect, it } from "vitest";
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  parseQuantity,
  quantityMilliValue,
  quantityValue,
  subtractQuantities,
} from "./quantity.ts";

describe("a quantity's canonical form", () => {
  for (const [text, canonical] of [
    ["0", "0"],
    ["0Gi", "0"],
    ["100m", "100m"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["1.5", "1500m"],
    [".5", "500m"],
    ["5.", "5"],
    ["1024Mi", "1Gi"],
    ["0.5Gi", "512Mi"],
    ["1023Ki", "1023Ki"],
    ["0.001Ki", "1024m"],
    ["1000", "1k"],
    ["123456", "123456"],
    ["1e3", "1e3"],
    ["12e2", "1200"],
    ["1E", "1E"],
    ["1e-3", "1e-3"],
    ["0.1n", "1n"],
    ["-1.5Gi", "-1536Mi"],
    ["9999999999Gi", "9223372036854775807"],
    ["007", "7"],
    ["1G", "1G"],
    ["1000000000000000000000", "1000E"],
  ] as const)
    it(`${text} → ${canonical}`, () => {
      expect(canonicalQuantity(text)).toBe(canonical);
      expect(canonicalQuantity(canonical)).toBe(canonical);
    });
  for (const text of ["", "a", "1x", "1 Gi", "--1", "1.2.3", "1Gi5", "e3x", "1e", "1mm"])
    it(`${JSON.stringify(text)} is no quantity`, () => expect(() => parseQuantity(text)).toThrow());
});

describe("arithmetic", () => {
  it("is exact", () => {
    expect(addQuantities("100m", "0.9")).toBe("1");
    expect(addQuantities("1Gi", "1")).toBe("1073741825");
    expect(addQuantities("0", "512Mi", "512Mi")).toBe("1Gi");
    expect(subtractQuantities("1", "250m")).toBe("750m");
    expect(compareQuantities("1Gi", "1G")).toBe(1);
    expect(compareQuantities("1", "1000m")).toBe(0);
    expect(quantityValue("1500m")).toBe(2);
    expect(quantityValue("2Gi")).toBe(2 ** 31);
    expect(quantityMilliValue("0.0001")).toBe(1);
    expect(quantityMilliValue("2")).toBe(2000);
  });
});

/** A small generator of its own, so that a failing seed replays. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A second, naive reading: a fraction of two bigints. */
function naive(whole: number, fraction: string, suffix: string): readonly [bigint, bigint] {
  const binary = ["Ki", "Mi", "Gi"].indexOf(suffix) + 1;
  const decimal = ["n", "u", "m", "", "k", "M", "G"].indexOf(suffix);
  const digits = BigInt(`${whole}${fraction}`);
  const scale = 10n ** BigInt(fraction.length);
  if (binary > 0) return [digits * 1024n ** BigInt(binary), scale];
  return decimal >= 3
    ? [digits * 1000n ** BigInt(decimal - 3), scale]
    : [digits, scale * 1000n ** BigInt(3 - decimal)];
}

describe("quantities against a naive implementation", () => {
  for (const seed of [1, 2, 3, 4, 5])
    it(`seed ${seed}`, () => {
      const next = random(seed);
      const suffixes = ["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi"];
      for (let round = 0; round < 500; round += 1) {
        const whole = Math.floor(next() * 10 ** Math.floor(next() * 9));
        const fraction = String(Math.floor(next() * 1000)).slice(0, Math.floor(next() * 4));
        const suffix = suffixes[Math.floor(next() * suffixes.length)] ?? "";
        const text = `${whole}${fraction === "" ? "" : `.${fraction}`}${suffix}`;
        const [numerator, denominator] = naive(whole, fraction, suffix);
        const nanos = (numerator * 1_000_000_000n + denominator - 1n) / denominator;
        expect(parseQuantity(text).nanos, `seed ${seed}: ${text}`).toBe(nanos);
        const canonical = canonicalQuantity(text);
        expect(parseQuantity(canonical).nanos, `seed ${seed}: ${text} → ${canonical}`).toBe(nanos);
        expect(canonicalQuantity(canonical)).toBe(canonical);
      }
    });
});
