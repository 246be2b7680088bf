import type { Node } from "../../api/core/v1.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import type { Handler, WireResponse } from "../base/wire.ts";
import type { Counter, Gauge, Histogram, Metrics } from "../telemetry/metrics.ts";

const limits = {
  /** A change that is not in the kernel after so long will not get there by itself. */
  pendingMsMax: 60_000,
} as const;

/** A node that an autoscaler is about to take away gets no new connections from outside. */
const leavingTaint = "ToBeDeletedByClusterAutoscaler";

/** False when load balancers should leave the node out. */
export const isEligible = (node: Node | undefined): boolean =>
  node === undefined ||
  (node.metadata?.deletionTimestamp === undefined &&
    !(node.spec?.taints ?? []).some(({ key }) => key === leavingTaint));

/**
 * How the proxy does, for probes and load balancers. /healthz: rules are in the kernel and up to
 * date, and the node stays; /livez: the same without the node, and healthy while it starts.
 */
export class ProxyHealth {
  readonly #clock: Clock;
  readonly #node: () => Node | undefined;
  /** Of the oldest change that the kernel does not have yet. */
  #pendingSinceMs: number | undefined;
  #appliedAtMs: number | undefined;

  /** `node`: this one, as far as it is known. */
  constructor(clock: Clock, node: () => Node | undefined) {
    this.#clock = clock;
    this.#node = node;
  }

  /** A change waits to be written. */
  queued(): void {
    this.#pendingSinceMs ??= this.#clock.now();
  }

  /** All that waited is in the kernel. */
  applied(): void {
    this.#pendingSinceMs = undefined;
    this.#appliedAtMs = this.#clock.now();
  }

  readonly handler: Handler = ({ path }) => Promise.resolve(this.#answer(path.split("?")[0]));

  #answer(path: string | undefined): WireResponse {
    const since = this.#pendingSinceMs;
    const isPrompt = since === undefined || this.#clock.now() - since < limits.pendingMsMax;
    const nodeEligible = isEligible(this.#node());
    if (path === "/livez") return this.#tell(isPrompt, {});
    if (path !== "/healthz") return { status: 404, headers: {}, body: new Uint8Array() };
    return this.#tell(isPrompt && nodeEligible && this.#appliedAtMs !== undefined, {
      nodeEligible,
    });
  }

  #tell(isGood: boolean, more: object): WireResponse {
    const now = this.#clock.now();
    const told = {
      lastUpdated: rfc3339(this.#appliedAtMs ?? 0),
      currentTime: rfc3339(now),
      ...more,
    };
    return {
      status: isGood ? 200 : 503,
      headers: { "content-type": "application/json", "x-content-type-options": "nosniff" },
      body: new TextEncoder().encode(JSON.stringify(told)),
    };
  }
}

/** Counters of the proxy's work, under kube-proxy's names. */
export interface ProxyMetrics {
  readonly syncSeconds: Histogram;
  readonly lastSync: Gauge;
  readonly failures: Counter;
  readonly changes: Counter;
}

const syncBuckets = Array.from({ length: 15 }, (_, power) => 0.001 * 2 ** power);

export function proxyMetrics(metrics: Metrics): ProxyMetrics {
  const name = (what: string): string => `kubeproxy_sync_proxy_rules_${what}`;
  return {
    syncSeconds: metrics
      .histogram({
        name: name("duration_seconds"),
        help: "Seconds that writing the rules into the kernel took",
        buckets: syncBuckets,
      })
      .with(),
    lastSync: metrics
      .gauge({
        name: name("last_timestamp_seconds"),
        help: "When rules were last written, in seconds since the epoch",
      })
      .with(),
    failures: metrics
      .counter({
        name: name("nftables_sync_failures_total"),
        help: "Transactions that the kernel refused",
      })
      .with(),
    changes: metrics
      .counter({
        name: name("service_changes_total"),
        help: "Changes of Services and EndpointSlices that were seen",
      })
      .with(),
  };
}
