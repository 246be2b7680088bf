import { describe, expect, it } from "vitest";
import { SimulatedClock, settle } from "../sim/simulated-clock.ts";
import { WorkQueue } from "./work-queue.ts";

const create = () => {
  const clock = new SimulatedClock();
  return { clock, queue: new WorkQueue({ clock }) };
};

/** Takes all that is ready, and is done with each at once. */
async function drain(queue: WorkQueue): Promise<readonly string[]> {
  const keys: string[] = [];
  while (queue.stats.depth > 0) {
    const key = (await queue.take()) ?? "";
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe("WorkQueue", () => {
  it("hands out each key once, in the order of its first adding", async () => {
    const { queue } = create();
    for (const key of ["a", "b", "a", "c", "b"]) queue.add(key);
    expect(await drain(queue)).toEqual(["a", "b", "c"]);
    expect(queue.stats).toEqual({ depth: 0, adds: 5, retries: 0, unfinished: 0 });
  });

  it("never hands out a key that is being worked on, but again afterwards", async () => {
    const { queue } = create();
    queue.add("a");
    await queue.take();
    queue.add("a");
    queue.add("a");
    let second: string | undefined;
    void queue.take().then((key) => (second = key));
    await settle();
    expect(second).toBeUndefined();
    queue.done("a");
    await settle();
    expect(second).toBe("a");
    queue.done("a");
    expect(queue.stats.depth).toBe(0);
  });

  it("waits twice as long after each failure, up to its bound, and shortly after a success", () => {
    const { queue } = create();
    const waits = Array.from({ length: 16 }, () => queue.retry("a"));
    expect(waits.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(waits.at(-1)).toBe(60_000);
    queue.forget("a");
    expect(queue.retry("a")).toBe(5);
  });

  it("adds later, and of several times takes the earliest", async () => {
    const { clock, queue } = create();
    queue.addAfter("a", 100);
    queue.addAfter("a", 50);
    queue.addAfter("a", 80);
    await clock.advance(49);
    expect(queue.stats.depth).toBe(0);
    await clock.advance(1);
    expect(await drain(queue)).toEqual(["a"]);
    await clock.advance(1_000);
    expect(queue.stats.depth).toBe(0);
  });

  it("lets others have a turn, although work adds nothing but more work", async () => {
    const { clock, queue } = create();
    const turns: number[] = [];
    let worked = 0;
    clock.after(0, () => turns.push(worked));
    const work = async (): Promise<void> => {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        worked += 1;
        if (worked % 1_000 === 0) clock.after(0, () => turns.push(worked));
        if (worked < 2_500) queue.add(key);
        queue.done(key);
      }
    };
    queue.add("a");
    const working = work();
    await settle();
    await clock.advance(0);
    // Somebody else had a word after every thousand.
    expect(turns).toEqual([1_000, 2_000, 2_500]);
    expect(worked).toBe(2_500);
    queue.close();
    await working;
  });

  it("wakes those that wait when it is closed, and takes nothing more", async () => {
    const { clock, queue } = create();
    const waiting = queue.take();
    queue.addAfter("a", 10);
    queue.close();
    expect(await waiting).toBeUndefined();
    await clock.advance(100);
    queue.add("b");
    expect(await queue.take()).toBeUndefined();
  });
});
