import { expect, it } from "vitest";
import type { WireResponse } from "../base/wire.ts";
import { LeaderHealth } from "../client/leader-health.ts";
import { StatusError } from "../machinery/status-error.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { ping } from "../telemetry/health.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { componentHandler } from "./component-handler.ts";

const clock = new SimulatedClock();
const health = new LeaderHealth(clock);
const metrics = new Metrics();
metrics.counter({ name: "rounds_total", help: "Rounds." }).with().add(3);
const handler = componentHandler({
  checks: [ping, health.check],
  metrics,
  logger: silentLogger,
  authorize: async ({ headers }, { what }) => {
    if (headers["authorization"] === undefined) throw new StatusError("Unauthorized", "no");
    if (headers["authorization"] === "broken") throw new Error("10.0.0.1 does not answer");
    if (headers["authorization"] !== "ann") throw new StatusError("Forbidden", what);
  },
});
const text = ({ body }: WireResponse): string => Buffer.from(body as Uint8Array).toString();
async function ask(path: string, authorization?: string): Promise<readonly [number, string]> {
  const { signal } = new AbortController();
  const headers = { authorization };
  const peer = { address: "127.0.0.1" };
  const response = await handler({ method: "GET", path, headers, peer, signal });
  return [response.status, text(response)];
}

it("tells everybody its health, and a stuck election is an illness", async () => {
  health.renewed(15_000);
  for (const path of ["/healthz", "/livez", "/readyz"])
    expect(await ask(path)).toEqual([200, "ok"]);
  await clock.advance(36_000);
  const [status, body] = await ask("/healthz?verbose");
  expect(status).toBe(500);
  expect(body).toContain("[-]leaderElection failed");
  expect(await ask("/healthz/ping")).toEqual([200, "ok"]);
  health.ended();
  expect(await ask("/healthz")).toEqual([200, "ok"]);
});

it("shows metrics to those who may read them, and no path to others", async () => {
  expect(await ask("/metrics", "ann")).toEqual([200, expect.stringContaining("rounds_total 3")]);
  expect(await ask("/nothing", "ann")).toEqual([404, expect.stringContaining("/nothing")]);
  for (const path of ["/metrics", "/nothing"]) expect((await ask(path))[0]).toBe(401);
  const refused = await ask("/metrics?x=y", "bob");
  expect(refused).toEqual([403, expect.stringContaining("verb=get, path=/metrics")]);
  const [status, body] = await ask("/metrics", "broken");
  expect(status).toBe(500);
  expect(body).not.toContain("10.0.0.1");
});
