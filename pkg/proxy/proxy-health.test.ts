import { describe, expect, it } from "vitest";
import type { Node } from "../../api/core/v1.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { ProxyHealth, proxyMetrics } from "./proxy-health.ts";
import { proxyMetricsHandler } from "./proxy-metrics-handler.ts";

const request = (path: string) => ({
  method: "GET",
  path,
  headers: {},
  peer: { address: "127.0.0.1" },
  body: new Uint8Array(),
  signal: new AbortController().signal,
});
const leaving: Node = {
  metadata: { name: "n1" },
  spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] },
};

function proxy(node?: Node) {
  const clock = new SimulatedClock();
  const health = new ProxyHealth(clock, () => node);
  const ask = async (path: string): Promise<number> => {
    const { status } = await health.handler(request(path));
    return status;
  };
  const both = async () => [await ask("/healthz"), await ask("/livez")];
  return { clock, health, ask, both };
}

describe("the proxy's health", () => {
  it("is not there before the first rules are, but the process lives", async () => {
    const { both, health } = proxy();
    expect(await both()).toEqual([503, 200]);
    health.applied();
    expect(await both()).toEqual([200, 200]);
  });

  it("is gone when a change does not get into the kernel", async () => {
    const { both, clock, health } = proxy();
    health.applied();
    health.queued();
    await clock.advance(30_000);
    health.queued();
    expect(await both()).toEqual([200, 200]);
    await clock.advance(30_000);
    expect(await both()).toEqual([503, 503]);
    health.applied();
    expect(await both()).toEqual([200, 200]);
  });

  it("keeps new connections off a node that is leaving", async () => {
    const { both, health } = proxy(leaving);
    health.applied();
    expect(await both()).toEqual([503, 200]);
  });

  it("knows no other path", async () => {
    expect(await proxy().ask("/")).toBe(404);
  });
});

describe("the proxy's second port", () => {
  const metrics = new Metrics();
  proxyMetrics(metrics).failures.add();
  const ask = async (path: string): Promise<string> => {
    const { body } = await proxyMetricsHandler(metrics)(request(path));
    return body instanceof Uint8Array ? new TextDecoder().decode(body) : "";
  };

  it("has upstream's paths and names", async () => {
    expect(await ask("/metrics")).toContain(
      "kubeproxy_sync_proxy_rules_nftables_sync_failures_total 1",
    );
    expect(await ask("/proxyMode")).toBe("nftables");
    expect(await ask("/healthz")).toBe("ok");
  });
});
