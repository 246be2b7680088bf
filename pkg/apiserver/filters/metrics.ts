/** Counts requests and their durations, under upstream's names: dashboards know them. */
import type { Clock } from "../../base/clock.ts";
import type { WireResponse } from "../../base/wire.ts";
import { type Metrics, secondsBuckets } from "../../telemetry/metrics.ts";
import type { ApiFilter, ApiRequest } from "../api-request.ts";
import { isLongRunning } from "./deadline.ts";

export function withMetrics(metrics: Metrics, clock: Clock): ApiFilter {
  const labels = ["verb", "group", "version", "resource", "subresource"];
  const total = metrics.counter({
    name: "apiserver_request_total",
    help: "Requests by what they asked for and how they were answered.",
    labels: [...labels, "code"],
  });
  const duration = metrics.histogram({
    name: "apiserver_request_duration_seconds",
    help: "Time from a request's arrival to its answer, long-running ones left out.",
    labels,
    buckets: secondsBuckets,
  });
  const inFlight = metrics
    .gauge({
      name: "apiserver_current_inflight_requests",
      help: "Requests that are being answered.",
      labels: [],
    })
    .with();
  const note = (request: ApiRequest, response: WireResponse, started: number): void => {
    const { verb, group, version, resource, subresource } = request.info;
    const name = verb.toUpperCase();
    total.with(name, group, version, resource, subresource, String(response.status)).add();
    if (isLongRunning(request)) return;
    const seconds = (clock.monotonic() - started) / 1000;
    duration.with(name, group, version, resource, subresource).observe(seconds);
  };
  return (next) => async (request) => {
    const started = clock.monotonic();
    inFlight.add(1);
    try {
      const response = await next(request);
      note(request, response, started);
      return response;
    } finally {
      inFlight.add(-1);
    }
  };
}
