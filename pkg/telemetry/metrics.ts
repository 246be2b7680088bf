/**
 * Counters, gauges and histograms, and their text for Prometheus. A hot path asks for its series
 * once (`requests.with("GET")`) and keeps it: counting is then one addition, with no lookup and no
 * allocation. Nothing here reads the time or the network; whoever serves /metrics calls `text`.
 */
import { assert } from "../base/errors.ts";

export interface MetricOptions {
  /** apiserver_request_total: lower case, unit last. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** More label combinations than this are a leak (a name or an address as a label), not a metric. */
export const seriesPerMetricMax = 10_000;

export class Counter {
  value = 0;
  add(amount = 1): void {
    this.value += amount;
  }
}

export class Gauge {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
  add(amount: number): void {
    this.value += amount;
  }
}

export class Histogram {
  readonly bounds: readonly number[];
  /** One more than the bounds: the last counts what is above all of them. */
  readonly counts: number[];
  sum = 0;
  count = 0;
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }
  observe(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] ?? Infinity)) at += 1;
    counts[at] = (counts[at] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** All series of one metric: one for each combination of label values. */
export class Family<S> {
  readonly #options: MetricOptions;
  readonly #make: () => S;
  readonly #series = new Map<string, { readonly labels: readonly string[]; readonly series: S }>();
  constructor(options: MetricOptions, make: () => S) {
    this.#options = options;
    this.#make = make;
  }
  /** Values in the order of the metric's label names. */
  with(...labels: readonly string[]): S {
    const key = labels.length === 1 ? (labels[0] ?? "") : labels.join("\0");
    const known = this.#series.get(key);
    if (known !== undefined) return known.series;
    const { name, labels: names = [] } = this.#options;
    assert(labels.length === names.length, `${name} has the labels ${names.join(", ")}`);
    assert(this.#series.size < seriesPerMetricMax, `${name} has too many series`);
    const series = this.#make();
    this.#series.set(key, { labels, series });
    return series;
  }
  /** Forgets a series whose subject is gone. */
  remove(...labels: readonly string[]): void {
    this.#series.delete(labels.join("\0"));
  }
  /** Each series with its labels as text: `a="1",b="2"`. */
  *entries(): Generator<readonly [labels: string, series: S]> {
    const names = this.#options.labels ?? [];
    for (const { labels, series } of this.#series.values()) {
      yield [names.map((name, at) => `${name}="${escape(labels[at] ?? "")}"`).join(","), series];
    }
  }
}

const escape = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** Upstream's buckets for request durations, in seconds. */
export const secondsBuckets: readonly number[] = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45,
  60,
];

interface Registered {
  readonly options: MetricOptions;
  readonly type: "counter" | "gauge" | "histogram";
  readonly lines: () => Iterable<string>;
}

/** The metrics of one process, handed to every part that counts. */
export class Metrics {
  readonly #registered = new Map<string, Registered>();
  readonly #beforeText: (() => void)[] = [];

  counter(options: MetricOptions): Family<Counter> {
    return this.#scalar(options, "counter", () => new Counter());
  }
  gauge(options: MetricOptions): Family<Gauge> {
    return this.#scalar(options, "gauge", () => new Gauge());
  }
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Family<Histogram> {
    const family = new Family(options, () => new Histogram(options.buckets));
    const lines = function* (): Generator<string> {
      for (const [labels, series] of family.entries()) {
        yield* histogramLines(options.name, labels, series);
      }
    };
    this.#register({ options, type: "histogram", lines });
    return family;
  }
  /** Runs before each text: sets gauges that are only worth computing when somebody looks. */
  onText(refresh: () => void): void {
    this.#beforeText.push(refresh);
  }
  /** The text exposition format, version 0.0.4. */
  text(): string {
    for (const refresh of this.#beforeText) refresh();
    const lines: string[] = [];
    for (const { options, type, lines: samples } of this.#registered.values()) {
      lines.push(`# HELP ${options.name} ${options.help}`, `# TYPE ${options.name} ${type}`);
      lines.push(...samples());
    }
    return `${lines.join("\n")}\n`;
  }

  #scalar<S extends { readonly value: number }>(
    options: MetricOptions,
    type: "counter" | "gauge",
    make: () => S,
  ): Family<S> {
    const family = new Family(options, make);
    const lines = function* (): Generator<string> {
      for (const [labels, { value }] of family.entries()) {
        yield `${options.name}${labels === "" ? "" : `{${labels}}`} ${value}`;
      }
    };
    this.#register({ options, type, lines });
    return family;
  }
  #register(registered: Registered): void {
    const { name } = registered.options;
    assert(!this.#registered.has(name), `metric ${name} is registered once`);
    this.#registered.set(name, registered);
  }
}

function* histogramLines(name: string, labels: string, series: Histogram): Generator<string> {
  const prefix = labels === "" ? "" : `${labels},`;
  let below = 0;
  for (const [at, bound] of series.bounds.entries()) {
    below += series.counts[at] ?? 0;
    yield `${name}_bucket{${prefix}le="${bound}"} ${below}`;
  }
  yield `${name}_bucket{${prefix}le="+Inf"} ${series.count}`;
  const suffix = labels === "" ? "" : `{${labels}}`;
  yield `${name}_sum${suffix} ${series.sum}`;
  yield `${name}_count${suffix} ${series.count}`;
}
