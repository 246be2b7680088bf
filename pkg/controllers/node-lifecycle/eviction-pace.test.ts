import { expect, it } from "vitest";
import { EvictionPace } from "./eviction-pace.ts";

it("lets one node of a zone after another, each zone for itself", () => {
  const pace = new EvictionPace();
  expect(pace.take("a", 0.1, 1_000)).toBe(0);
  expect(pace.take("a", 0.1, 1_500)).toBe(9_500);
  expect(pace.take("b", 0.1, 1_500)).toBe(0);
  expect(pace.take("a", 0, 20_000)).toBeUndefined();
  expect(pace.take("a", 0.1, 20_000)).toBe(0);
});
