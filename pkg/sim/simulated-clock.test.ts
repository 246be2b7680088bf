import { describe, expect, it } from "vitest";
import { SimulatedClock } from "./simulated-clock.ts";

describe("SimulatedClock", () => {
  it("wakes sleepers in order of time, equals in order of falling asleep", async () => {
    const clock = new SimulatedClock();
    const woken: string[] = [];
    for (const [name, ms] of [
      ["late", 20],
      ["first", 10],
      ["second", 10],
      ["now", 0],
    ] as const)
      void clock.sleep(ms).then(() => woken.push(`${name}@${clock.monotonic()}`));
    await clock.advance(15);
    expect(woken).toEqual(["now@0", "first@10", "second@10"]);
    expect(clock.monotonic()).toBe(15);
    await clock.advance(5);
    expect(woken.at(-1)).toBe("late@20");
  });

  it("lets a chain of sleeps run inside one advance", async () => {
    const clock = new SimulatedClock();
    let turns = 0;
    void (async () => {
      for (;;) {
        await clock.sleep(1_000);
        turns += 1;
      }
    })();
    await clock.advance(10_000);
    expect(turns).toBe(10);
  });

  it("rejects a sleep whose signal aborts, and never fires a disposed timer", async () => {
    const clock = new SimulatedClock();
    const stop = new AbortController();
    const sleeping = clock.sleep(10, stop.signal);
    stop.abort(new Error("stopped"));
    await expect(sleeping).rejects.toThrow("stopped");
    let fired = false;
    clock.after(5, () => void (fired = true))[Symbol.dispose]();
    await clock.advance(100);
    expect(fired).toBe(false);
    await expect(clock.sleep(1, stop.signal)).rejects.toThrow("stopped");
  });

  it("stops as soon as the condition holds", async () => {
    const clock = new SimulatedClock();
    let done = false;
    clock.after(30, () => void (done = true));
    clock.after(90, () => void 0);
    expect(await clock.runUntil(() => done, 1_000)).toBe(true);
    expect(clock.monotonic()).toBe(30);
    expect(await clock.runUntil(() => false, 10)).toBe(false);
    expect(clock.monotonic()).toBe(40);
  });
});
