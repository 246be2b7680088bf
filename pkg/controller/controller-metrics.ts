import type { Metrics } from "../telemetry/metrics.ts";
import type { WorkQueue } from "./work-queue.ts";

/** What controllers tell of themselves, under upstream's names; made once a process. */
export interface ControllerMetrics {
  /** Shows a controller's queue; the numbers are read when somebody looks. */
  watchQueue(name: string, queue: WorkQueue): void;
}

export function controllerMetrics(metrics: Metrics): ControllerMetrics {
  const labels = ["name"];
  const depth = metrics.gauge({ name: "workqueue_depth", help: "Keys that wait.", labels });
  const unfinished = metrics.gauge({
    name: "workqueue_unfinished",
    help: "Keys that are being worked on.",
    labels,
  });
  const adds = metrics.counter({
    name: "workqueue_adds_total",
    help: "Keys that were added.",
    labels,
  });
  const retries = metrics.counter({
    name: "workqueue_retries_total",
    help: "Keys that were added again after a failure.",
    labels,
  });
  return {
    watchQueue: (name, queue) =>
      metrics.onText(() => {
        const { stats } = queue;
        depth.with(name).set(stats.depth);
        unfinished.with(name).set(stats.unfinished);
        adds.with(name).value = stats.adds;
        retries.with(name).value = stats.retries;
      }),
  };
}
