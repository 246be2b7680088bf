import { describe, expect, it } from "vitest";
import { Metrics } from "./metrics.ts";

describe("Metrics", () => {
  it("writes counters and gauges with their labels escaped", () => {
    const metrics = new Metrics();
    const requests = metrics.counter({ name: "requests_total", help: "All.", labels: ["verb"] });
    requests.with("GET").add();
    requests.with("GET").add(2);
    requests.with('a"b\\\n').add();
    metrics.gauge({ name: "open", help: "Open." }).with().set(4);
    expect(metrics.text().split("\n")).toEqual([
      "# HELP requests_total All.",
      "# TYPE requests_total counter",
      'requests_total{verb="GET"} 3',
      'requests_total{verb="a\\"b\\\\\\n"} 1',
      "# HELP open Open.",
      "# TYPE open gauge",
      "open 4",
      "",
    ]);
  });

  it("counts into cumulative buckets, bounds included", () => {
    const metrics = new Metrics();
    const seconds = metrics.histogram({ name: "s", help: "S.", labels: ["v"], buckets: [1, 2] });
    for (const value of [0.5, 1, 1.5, 7]) seconds.with("x").observe(value);
    expect(metrics.text().split("\n").slice(2, -1)).toEqual([
      's_bucket{v="x",le="1"} 2',
      's_bucket{v="x",le="2"} 3',
      's_bucket{v="x",le="+Inf"} 4',
      's_sum{v="x"} 10',
      's_count{v="x"} 4',
    ]);
  });

  it("refuses a second metric of the same name, and wrong labels", () => {
    const metrics = new Metrics();
    const family = metrics.counter({ name: "a", help: "", labels: ["x", "y"] });
    expect(() => metrics.gauge({ name: "a", help: "" })).toThrow(/registered once/);
    expect(() => family.with("only-one")).toThrow(/has the labels x, y/);
  });

  it("refreshes gauges before they are read", () => {
    const metrics = new Metrics();
    const gauge = metrics.gauge({ name: "g", help: "" }).with();
    metrics.onText(() => gauge.set(7));
    expect(metrics.text()).toContain("\ng 7\n");
  });
});
