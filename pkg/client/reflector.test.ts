import { expect, it } from "vitest";
import { namespaces } from "../../api/resources.ts";
import { StatusError } from "../machinery/status-error.ts";
import { simulate } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import type { Client } from "./client.ts";
import { reflect } from "./reflector.ts";

/**
 * Milliseconds from the end of an outage of a minute until the store is filled. `trouble` is asked
 * with what is left of it.
 */
async function lateBy(trouble: (leftMs: number) => Error): Promise<number> {
  await using cluster = await simulate({ seed: 7, nodes: 0 });
  const { clock, random } = cluster;
  const upAtMs = clock.monotonic() + 60_000;
  const client: Client = {
    ...cluster.client,
    resource: (ref) => ({
      ...cluster.client.resource(ref),
      list: async (options, signal) => {
        const leftMs = upAtMs - clock.monotonic();
        if (leftMs > 0) throw trouble(leftMs);
        return await cluster.client.resource(ref).list(options, signal);
      },
    }),
  };
  let filledAtMs = Number.NaN;
  const store = {
    replace: () => void (filledAtMs = clock.monotonic()),
    put: () => {},
    remove: () => {},
    progress: () => {},
  };
  const stop = new AbortController();
  const doors = { client, clock, random, logger: silentLogger };
  const ended = reflect(namespaces, {}, store, doors, stop.signal);
  await clock.advance(200_000);
  stop.abort(new Error("stopped"));
  await clock.advance(1);
  await ended;
  return filledAtMs - upAtMs;
}

it("is back soon after a server that did not answer at all", async () => {
  expect(await lateBy(() => new Error("connect ECONNREFUSED"))).toBeLessThan(2_000);
});

it("gives time to a server that answers that it is in trouble", async () => {
  expect(await lateBy(() => new StatusError("InternalError", "no"))).toBeGreaterThan(2_000);
});

it("begins anew when a server that did not answer at first answers something else", async () => {
  const refused = new Error("connect ECONNREFUSED");
  const forbidden = new StatusError("Forbidden", "not yet");
  const late = await lateBy((leftMs) => (leftMs > 2_000 ? refused : forbidden));
  expect(late).toBeLessThan(4_000);
});
