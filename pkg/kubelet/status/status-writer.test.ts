import { describe, expect, it } from "vitest";
import type { Pod, PodStatus } from "../../../api/core/v1.ts";
import type { Client, Patch } from "../../client/client.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { StatusWriter } from "./status-writer.ts";

const pod: Pod = {
  metadata: { namespace: "default", name: "a", uid: "a", resourceVersion: "1" },
  spec: { containers: [] },
  status: { phase: "Pending" },
};

/** The phases that the API server was told, in order. */
function bench() {
  const told: (string | undefined)[] = [];
  const client = {
    resource: () => ({
      patch: async (_key: object, { body }: Patch) => {
        told.push((body as { status: PodStatus }).status.phase);
        return { ...pod, metadata: { ...pod.metadata, resourceVersion: String(told.length + 1) } };
      },
    }),
  } as unknown as Client;
  const doors = { client, clock: new SimulatedClock(), logger: silentLogger };
  const writer = new StatusWriter(doors, new AbortController().signal);
  return { writer, told };
}

describe("StatusWriter", () => {
  it("tells what is wanted right behind something that is told already", async () => {
    const { writer, told } = bench();
    void writer.write(pod, { phase: "Pending" });
    await writer.write(pod, { phase: "Running" });
    expect(told).toEqual(["Running"]);
  });

  it("leaves nothing lying, whenever it comes", async () => {
    for (let steps = 0; steps < 20; steps++) {
      const { writer, told } = bench();
      void writer.write(pod, { phase: "Running" });
      for (let step = 0; step < steps; step++) await Promise.resolve();
      await writer.write(pod, { phase: "Succeeded" });
      expect([steps, told.at(-1)]).toEqual([steps, "Succeeded"]);
    }
  });

  it("tells of several that wait the newest only", async () => {
    const { writer, told } = bench();
    const first = writer.write(pod, { phase: "Running" });
    void writer.write(pod, { phase: "Failed" });
    await writer.write(pod, { phase: "Succeeded" });
    await first;
    expect(told).toEqual(["Succeeded"]);
  });
});
