import { expect, it } from "vitest";
import type { Clock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { Tickets } from "./tickets.ts";

it("lets a ticket be used once, and not after its time", () => {
  const timers = new Set<() => void>();
  const clock: Pick<Clock, "after"> = {
    after: (_ms, callback) => {
      timers.add(callback);
      return { [Symbol.dispose]: () => void timers.delete(callback) };
    },
  };
  const tickets = new Tickets<string>(clock as Clock, seededRandom(1));
  const used = tickets.issue("a");
  const late = tickets.issue("b");
  expect(used).not.toBe(late);
  expect(tickets.redeem(used)).toBe("a");
  expect(tickets.redeem(used)).toBeUndefined();
  expect(timers.size).toBe(1);
  for (const expire of timers) expire();
  expect(tickets.redeem(late)).toBeUndefined();
  expect(tickets.redeem("guess")).toBeUndefined();
});
