import { describe, expect, it } from "vitest";
import type { Client } from "../client/client.ts";
import { noEvents } from "../client/events.ts";
import { StatusError } from "../machinery/status-error.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { Binder } from "./binder.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { Feed } from "./feed.ts";
import { Nominations } from "./nominations.ts";
import { queuedPod } from "./queued-pod.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";
import { node, on, pod } from "./testing/small-cluster.ts";

/** A pod in its cycle, assumed on the one node, whose binding ends as the test says. */
function open() {
  const clock = new SimulatedClock();
  const memory = {
    cache: new ClusterCache(),
    queue: new SchedulingQueue(clock, [{ name: "Fit", wokenBy: { "pod-deleted": () => true } }]),
    nominations: new Nominations(),
  };
  const feed = new Feed({ clock, plugins: [], name: "default-scheduler" }, memory);
  feed.node(node("a"), undefined);
  const state = memory.cache.node("a");
  const one = pod();
  feed.pod(one, undefined);
  if (state === undefined || memory.queue.popNow() === undefined) throw new Error("no cycle");
  const queued = queuedPod(one, 0);
  memory.cache.assume(one, queued.demand, "a");
  const answer = Promise.withResolvers<never>();
  const client = {
    resource: () => ({ createSubresource: () => answer.promise }),
  } as unknown as Client;
  const options = { client, logger: silentLogger, events: noEvents, plugins: [] };
  const bound = new Binder(options, memory).bind(queued, state, new AbortController().signal);
  return { ...memory, clock, feed, one, state, bound, fail: answer.reject };
}

const unknown = new StatusError("ServiceUnavailable", "whether this was done is not known");

describe("a binding that fails", () => {
  it("lets those look again whom the place was refused", async () => {
    const { queue, feed, clock, bound, fail } = open();
    const other = pod();
    feed.pod(other, undefined);
    const refused = queue.popNow();
    if (refused === undefined) throw new Error("the other pod is not in the queue");
    queue.refused(refused, new Set(["Fit"]));
    await clock.advance(10_000);
    expect(queue.popNow()).toBeUndefined();
    fail(unknown);
    await bound;
    expect(queue.popNow()?.pod).toBe(other);
  });

  it("gives the place back, and the pod tries again", async () => {
    const { queue, clock, state, one, bound, fail } = open();
    fail(unknown);
    await bound;
    expect(state.pods.size).toBe(0);
    await clock.advance(1_000);
    expect(queue.popNow()?.pod).toBe(one);
  });

  it("lets the pod try again as it is by then", async () => {
    const { queue, feed, clock, one, bound, fail } = open();
    const labels = { app: "changed meanwhile" };
    feed.pod({ ...one, metadata: { ...one.metadata, labels } }, one);
    fail(unknown);
    await bound;
    await clock.advance(1_000);
    expect(queue.popNow()?.pod.metadata?.labels).toEqual(labels);
  });

  it("leaves the place to the pod where the informer has shown that it was written", async () => {
    const { cache, queue, feed, state, one, bound, fail } = open();
    feed.pod(on("a", one), one);
    fail(unknown);
    await bound;
    expect([state.pods.size, cache.isPlaced(one), queue.size]).toEqual([1, true, 0]);
  });
});
