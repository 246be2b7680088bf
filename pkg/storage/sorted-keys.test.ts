import { expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { SortedKeys } from "./sorted-keys.ts";

it("agrees with an array that is sorted anew each time", () => {
  const random = seededRandom(1);
  const keys = new SortedKeys();
  const naive = new Set<string>();
  const pick = (): string => `/${Math.floor(random.fraction() * 20_000)}`;
  for (let step = 0; step < 20_000; step++) {
    const key = pick();
    if (!naive.has(key)) keys.add(key);
    else keys.remove(key);
    if (!naive.delete(key)) naive.add(key);
  }
  const sorted = [...naive].sort();
  for (let step = 0; step < 50; step++) {
    const [start = "", end = ""] = [pick(), pick()].sort();
    const limit = step % 2 === 0 ? Infinity : Math.floor(random.fraction() * 3_000);
    const within = sorted.filter((key) => key >= start && key < end);
    const taken = within.slice(0, limit);
    const expected = { keys: taken, more: within.length - taken.length };
    expect(keys.range(start, end, limit)).toEqual(expected);
  }
});
