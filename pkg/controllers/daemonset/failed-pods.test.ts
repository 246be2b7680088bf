import { expect, it } from "vitest";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { FailedPods } from "./failed-pods.ts";

it("each failure on a node waits twice as long as the last, up to a quarter of an hour", async () => {
  const clock = new SimulatedClock();
  const failures = new FailedPods(clock);
  const waits: number[] = [];
  for (let times = 0; times < 12; times++) {
    failures.count("default/web", "n1");
    waits.push(failures.waitMs("default/web", "n1") / 1_000);
    await clock.advance(failures.waitMs("default/web", "n1"));
    expect(failures.waitMs("default/web", "n1")).toBe(0);
  }
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
});

it("knows nodes and DaemonSets apart, and begins anew after a good while", async () => {
  const clock = new SimulatedClock();
  const failures = new FailedPods(clock);
  failures.count("default/web", "n1");
  failures.count("default/web", "n1");
  expect(failures.waitMs("default/web", "n2")).toBe(0);
  expect(failures.waitMs("default/db", "n1")).toBe(0);
  await clock.advance(2 * 900_000 + 1);
  failures.count("default/web", "n1");
  expect(failures.waitMs("default/web", "n1")).toBe(1_000);
  failures.forget("default/web");
  expect(failures.waitMs("default/web", "n1")).toBe(0);
});
