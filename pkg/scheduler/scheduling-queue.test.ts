import { describe, expect, it } from "vitest";
import type { Node } from "../../api/core/v1.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { defaultPlugins } from "./default-plugins.ts";
import type { QueuedPod } from "./queued-pod.ts";
import { podDemand } from "./pod-demand.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";

const queued = (uid: string, priority = 0, queuedAtMs = 0): QueuedPod => {
  const pod = { metadata: { name: uid, uid }, spec: { containers: [], nodeName: "a" } };
  return { pod, demand: podDemand(pod), priority, queuedAtMs };
};
const open = (): { readonly clock: SimulatedClock; readonly queue: SchedulingQueue } => {
  const clock = new SimulatedClock();
  return { clock, queue: new SchedulingQueue(clock, defaultPlugins) };
};
const uid = async (queue: SchedulingQueue): Promise<string | undefined> =>
  (await queue.pop())?.pod.metadata?.uid;
const node: Node = { metadata: { name: "a" }, spec: {}, status: {} };

describe("the order", () => {
  it("is priority, then age, then arrival", async () => {
    const { queue } = open();
    for (const pod of [
      queued("late", 0, 5),
      queued("a", 0, 1),
      queued("b", 0, 1),
      queued("vip", 9, 9),
    ]) {
      queue.add(pod);
    }
    expect([await uid(queue), await uid(queue), await uid(queue), await uid(queue)]).toEqual([
      "vip",
      "a",
      "b",
      "late",
    ]);
  });
});

describe("a pod that did not fit", () => {
  it("waits, wakes by an event that helps its plugin, after its back-off", async () => {
    const { clock, queue } = open();
    queue.add(queued("a"));
    const pod = (await queue.pop()) as QueuedPod;
    queue.refused(pod, new Set(["NodeName"]));
    let popped = "";
    const next = uid(queue).then((found) => (popped = found ?? ""));
    queue.wake({ type: "node-changed", node, before: node });
    queue.wake({ type: "node-added", node });
    const before = clock.monotonic();
    while (popped === "" && clock.tick()) await Promise.resolve().then(() => undefined);
    await next;
    expect(popped).toBe("a");
    expect(clock.monotonic() - before).toBe(1_000);
  });

  it("is not left waiting when the event came while it was being decided", async () => {
    const { clock, queue } = open();
    queue.add(queued("a"));
    const pod = (await queue.pop()) as QueuedPod;
    queue.wake({ type: "node-added", node });
    queue.refused(pod, new Set(["NodeResourcesFit"]));
    const next = uid(queue);
    clock.tick();
    expect(await next).toBe("a");
    expect(clock.monotonic()).toBe(1_000);
  });

  it("backs off longer each time, up to ten seconds", async () => {
    const { clock, queue } = open();
    queue.add(queued("a"));
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const pod = (await queue.pop()) as QueuedPod;
      const before = clock.monotonic();
      queue.failed(pod);
      clock.tick();
      pauses.push(clock.monotonic() - before);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it("is forgotten when it is removed", async () => {
    const { clock, queue } = open();
    queue.add(queued("a"));
    queue.refused((await queue.pop()) as QueuedPod, new Set());
    queue.remove("a");
    queue.wake({ type: "node-added", node });
    expect(queue.size).toBe(0);
    expect(clock.tick()).toBe(false);
  });
});

it("close ends the waiting", async () => {
  const { queue } = open();
  const next = queue.pop();
  queue.close();
  expect(await next).toBeUndefined();
});
