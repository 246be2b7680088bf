import { expect, it } from "vitest";
import type { CriService } from "../../../api/cri/v1.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { RuntimeCache } from "./runtime-cache.ts";

it("reads a pod once at a time, whenever it is asked: an older answer never comes last", async () => {
  for (let steps = 0; steps < 30; steps++) {
    let reading = 0;
    let most = 0;
    const cri = {
      listPodSandbox: async () => {
        most = Math.max(most, ++reading);
        await Promise.resolve();
        reading--;
        return { items: [] };
      },
      listContainers: async () => ({ containers: [] }),
    } as unknown as CriService;
    const cache = new RuntimeCache({ cri, clock: new SimulatedClock(), logger: silentLogger });
    const first = [cache.refresh("a"), cache.refresh("a")];
    for (let step = 0; step < steps; step++) await Promise.resolve();
    await Promise.all([...first, cache.refresh("a")]);
    expect([steps, most]).toEqual([steps, 1]);
  }
});
