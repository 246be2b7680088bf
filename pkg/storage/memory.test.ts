import { describe, expect, it } from "vitest";
import { storageConformance } from "../../test/conformance/storage.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { MemoryStorage } from "./memory.ts";

const clock = new SimulatedClock();

storageConformance("MemoryStorage", {
  open: async () => new MemoryStorage(clock),
  pass: (seconds) => clock.advance(seconds * 1000),
});

describe("MemoryStorage", () => {
  it("gives the same revisions for the same calls", async () => {
    const play = async (): Promise<readonly number[]> => {
      const storage = new MemoryStorage(new SimulatedClock());
      const writes = ["b", "a", "c"].map((key) => storage.put(key, new Uint8Array(), 0));
      return Promise.all(writes);
    };
    expect(await play()).toEqual(await play());
  });
});
