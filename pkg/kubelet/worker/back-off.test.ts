import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { backOffUntilMs, describeDelay, nextBackOff, restartBackOff } from "./back-off.ts";

describe("back-off", () => {
  it("doubles from 10 s to 5 min and stays there", () => {
    const delays: number[] = [];
    let state = nextBackOff(undefined, 0, restartBackOff);
    for (let attempt = 0; attempt < 7; attempt += 1) {
      delays.push(state.delayMs / 1000);
      state = nextBackOff(state, state.updatedAtMs + state.delayMs, restartBackOff);
    }
    assert.deepEqual(delays, [10, 20, 40, 80, 160, 300, 300]);
  });

  it("lets the first failure through at once", () => {
    assert.equal(backOffUntilMs(undefined, 5_000, restartBackOff), 0);
  });

  it("counts the delay from the failure, not from the attempt", () => {
    const state = nextBackOff(undefined, 1_000, restartBackOff);
    assert.equal(backOffUntilMs(state, 4_000, restartBackOff), 14_000);
  });

  it("forgets after ten quiet minutes", () => {
    const state = { delayMs: 300_000, updatedAtMs: 0 };
    assert.equal(backOffUntilMs(state, 600_001, restartBackOff), 0);
    assert.equal(nextBackOff(state, 600_001, restartBackOff).delayMs, 10_000);
    assert.equal(nextBackOff(state, 600_000, restartBackOff).delayMs, 300_000);
  });

  it("writes delays as people read them", () => {
    assert.deepEqual([10_000, 80_000, 300_000].map(describeDelay), ["10s", "1m20s", "5m0s"]);
  });
});
