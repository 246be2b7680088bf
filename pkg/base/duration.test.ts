import { expect, it } from "vitest";
import { durationMs } from "./duration.ts";

it("durations are Go's", () => {
  expect(durationMs("24h0m0s")).toBe(86_400_000);
  expect(durationMs("1h30m")).toBe(5_400_000);
  expect(durationMs("1.5s")).toBe(1_500);
  expect(durationMs("250ms")).toBe(250);
  expect(durationMs("0")).toBe(0);
  for (const wrong of ["", "5", "1d", "h", "-1s"])
    expect(() => durationMs(wrong)).toThrow(/invalid duration/);
});
