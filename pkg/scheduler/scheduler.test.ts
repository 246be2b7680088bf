import { expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { Client } from "../client/client.ts";
import { noEvents } from "../client/events.ts";
import { createInformers } from "../client/informer.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { defaultPlugins } from "./default-plugins.ts";
import { runScheduler } from "./scheduler.ts";

it("ends without a word when it is stopped before it has seen the cluster", async () => {
  const silence = new Promise<never>(() => undefined);
  const client = { resource: () => ({ list: () => silence }) } as unknown as Client;
  const stop = new AbortController();
  const doors = {
    client,
    clock: new SimulatedClock(),
    random: seededRandom(1),
    logger: silentLogger,
  };
  const informers = createInformers(doors, stop.signal);
  const options = { ...doors, informers, events: noEvents, plugins: defaultPlugins, name: "s" };
  const ended = runScheduler(options, stop.signal);
  stop.abort(new Error("stopped"));
  await expect(ended).resolves.toBeUndefined();
});
