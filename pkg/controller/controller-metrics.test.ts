import { expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { controllerMetrics } from "./controller-metrics.ts";
import { WorkQueue } from "./work-queue.ts";

it("shows what a queue holds when somebody looks", async () => {
  const metrics = new Metrics();
  const queue = new WorkQueue({ clock: new SimulatedClock() });
  controllerMetrics(metrics).watchQueue("deployment", queue);
  for (const key of ["a", "b", "a"]) queue.add(key);
  await queue.take();
  const text = metrics.text();
  expect(text).toContain('workqueue_depth{name="deployment"} 1');
  expect(text).toContain('workqueue_unfinished{name="deployment"} 1');
  expect(text).toContain('workqueue_adds_total{name="deployment"} 3');
});
