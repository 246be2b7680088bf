import { expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import { ActivePods } from "./active-pods.ts";
import { prioritySort } from "./plugins/priority-sort.ts";
import type { QueueEntry } from "./queue-entry.ts";
import { queuedPod } from "./queued-pod.ts";
import { Slots } from "./slots.ts";
import { pod } from "./testing/small-cluster.ts";

const entryOf = (priority: number, queuedAtMs: number): QueueEntry => ({
  pod: queuedPod(pod({}, { priority }), queuedAtMs),
  attempts: 0,
  refusedBy: new Set(),
  state: "active",
  arrival: 0,
  moved: false,
  triedAtMs: 0,
});

it("pods come out as sorting would have them, without those that left", () => {
  const random = seededRandom(4);
  const active = new ActivePods(prioritySort.queueSort ?? (() => 0));
  const entries = Array.from({ length: 500 }, () =>
    entryOf(Math.floor(random.fraction() * 5), Math.floor(random.fraction() * 5)),
  );
  for (const entry of entries) active.push(entry);
  for (const entry of entries) if (random.fraction() < 0.2) entry.state = "gone";
  const expected = entries
    .filter(({ state }) => state === "active")
    .toSorted((a, b) => b.pod.priority - a.pod.priority || a.pod.queuedAtMs - b.pod.queuedAtMs);
  const popped: QueueEntry[] = [];
  for (let next = active.pop(); next !== undefined; next = active.pop()) popped.push(next);
  expect(popped.length).toBe(expected.length);
  expect(popped.every((entry, at) => entry === expected[at])).toBe(true);
});

it("slots let so many run, and one more for each that ends", async () => {
  const slots = new Slots(2);
  const ends: (() => void)[] = [];
  const run = (): void => slots.run(new Promise<void>((resolve) => ends.push(resolve)));
  run();
  expect(slots.whenFree()).toBeUndefined();
  run();
  const free = slots.whenFree();
  expect(free).toBeDefined();
  let isFree = false;
  void free?.then(() => (isFree = true));
  await Promise.resolve();
  expect(isFree).toBe(false);
  ends[0]?.();
  await free;
  expect(slots.whenFree()).toBeUndefined();
  ends[1]?.();
  await slots.allEnded();
});
