import type { Handler, WireResponse } from "../base/wire.ts";
import type { Metrics } from "../telemetry/metrics.ts";

const text = (body: string, type = "text/plain; charset=utf-8"): WireResponse => ({
  status: 200,
  headers: { "content-type": type, "x-content-type-options": "nosniff" },
  body: new TextEncoder().encode(body),
});

/** /metrics, /healthz and /proxyMode, as kube-proxy's second port has them. */
export const proxyMetricsHandler =
  (metrics: Metrics): Handler =>
  ({ path }) =>
    Promise.resolve(answer(path.split("?")[0] ?? "", metrics));

function answer(path: string, metrics: Metrics): WireResponse {
  if (path === "/metrics") return text(metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
  if (path === "/proxyMode") return text("nftables");
  if (path === "/healthz") return text("ok");
  return { status: 404, headers: {}, body: new Uint8Array() };
}
