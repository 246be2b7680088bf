import { expect, it } from "vitest";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { historyMs, runCompactor } from "./compactor.ts";
import { MemoryStorage } from "./memory.ts";

it("keeps one to two rounds of history, and no more", async () => {
  const clock = new SimulatedClock();
  const storage = new MemoryStorage(clock);
  const stop = new AbortController();
  const running = runCompactor({ storage, clock, logger: silentLogger }, stop.signal);
  await clock.advance(1);

  const early = await storage.put("/a", new Uint8Array(), 0);
  await clock.advance(historyMs);
  const late = await storage.put("/a", new Uint8Array(), early);
  expect((await storage.list({ prefix: "/", revision: early })).items).toHaveLength(1);
  await clock.advance(historyMs);
  expect((await storage.list({ prefix: "/", revision: early })).items).toHaveLength(1);
  await clock.advance(historyMs);
  await expect(storage.list({ prefix: "/", revision: early })).rejects.toMatchObject({
    reason: "Compacted",
  });
  expect((await storage.list({ prefix: "/", revision: late })).items).toHaveLength(1);
  stop.abort();
  await running;
});
