import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/core/v1.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { ClusterCache } from "./cluster-cache.ts";
import type { ClusterEvent } from "./cluster-event.ts";
import { Feed } from "./feed.ts";
import type { Plugin } from "./framework.ts";
import { Nominations } from "./nominations.ts";
import { schedulingGates } from "./plugins/scheduling-gates.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";
import { node, on, pod } from "./testing/small-cluster.ts";

/** A feed whose queue writes down which events reach a pod that waits. */
async function open() {
  const heard: ClusterEvent["type"][] = [];
  const hear = ({ type }: ClusterEvent): boolean => {
    heard.push(type);
    return false;
  };
  const listener: Plugin = {
    name: "Listener",
    wokenBy: {
      "node-added": hear,
      "node-changed": hear,
      "node-deleted": hear,
      "pod-added": hear,
      "pod-changed": hear,
      "pod-deleted": hear,
      "namespace-changed": hear,
    },
  };
  const clock = new SimulatedClock();
  const plugins = [listener, schedulingGates];
  const memory = {
    cache: new ClusterCache(),
    queue: new SchedulingQueue(clock, plugins),
    nominations: new Nominations(),
  };
  const feed = new Feed({ clock, plugins, name: "mine" }, memory);
  const waiting = { ...pod(), spec: { containers: [], schedulerName: "mine" } };
  feed.pod(waiting, undefined);
  const queued = memory.queue.popNow();
  if (queued === undefined) throw new Error("the pod is not in the queue");
  memory.queue.refused(queued, new Set([listener.name]));
  return { ...memory, feed, heard, waiting };
}

const a = node("a");
const there = on("a", pod({ app: "x" }));
const change = (one: Pod, status: object, metadata: object = {}): Pod => ({
  ...one,
  metadata: { ...one.metadata, ...metadata },
  status,
});

describe("what waiting pods hear of", () => {
  const over = { phase: "Succeeded" };
  const alive = { ...a, status: { ...a.status, nodeInfo: { kubeletVersion: "v1" } } } as typeof a;
  const ready = { ...a, status: { ...a.status, conditions: [{ type: "Ready", status: "True" }] } };
  for (const [title, act, expected] of [
    ["a new node", (feed: Feed) => feed.node(a, undefined), ["node-added"]],
    ["a node that is gone", (feed: Feed) => feed.node(undefined, a), ["node-deleted"]],
    ["a node that is alive", (feed: Feed) => feed.node(alive, a), []],
    ["a node that is ready now", (feed: Feed) => feed.node(ready, a), ["node-changed"]],
    ["a pod that got its node", (feed: Feed) => feed.pod(there, pod()), ["pod-added"]],
    ["a pod that runs", (feed: Feed) => feed.pod(change(there, { phase: "Running" }), there), []],
    [
      "a pod of other labels",
      (feed: Feed) => feed.pod(change(there, {}, { labels: {} }), there),
      ["pod-changed"],
    ],
    ["a pod that is over", (feed: Feed) => feed.pod(change(there, over), there), ["pod-deleted"]],
    ["a pod that is gone", (feed: Feed) => feed.pod(undefined, there), ["pod-deleted"]],
    ["a pod that never had a node", (feed: Feed) => feed.pod(undefined, pod()), []],
    [
      "a namespace",
      (feed: Feed) => feed.namespace({ metadata: { name: "n" } }, undefined),
      ["namespace-changed"],
    ],
  ] as const) {
    it(title, async () => {
      const { feed, heard } = await open();
      act(feed);
      expect(heard).toEqual(expected);
    });
  }
});

describe("which pods are queued", () => {
  it("those that ask for this scheduler, and have no gates", async () => {
    const { feed, queue } = await open();
    const size = queue.size;
    feed.pod(pod(), undefined);
    const gated = { schedulerName: "mine", containers: [], schedulingGates: [{ name: "x/y" }] };
    const one = pod({}, gated);
    feed.pod(one, undefined);
    expect(queue.size).toBe(size);
    feed.pod({ ...one, spec: { ...gated, schedulingGates: [] } }, one);
    expect(queue.size).toBe(size + 1);
  });

  it("a change of its labels or tolerations wakes a pod that waits", async () => {
    const { feed, queue, waiting } = await open();
    feed.pod({ ...waiting, metadata: { ...waiting.metadata, labels: { now: "other" } } }, waiting);
    expect(queue.popNow()?.pod.metadata?.labels).toEqual({ now: "other" });
  });

  it("a promise in a pod's status is kept, and ends with the pod, for others to hear", async () => {
    const { feed, nominations, heard } = await open();
    const promised = {
      ...pod({}, { schedulerName: "mine" }),
      status: { nominatedNodeName: "a" },
    };
    feed.pod(promised, undefined);
    expect(nominations.on("a")).toHaveLength(1);
    feed.pod(undefined, promised);
    expect(nominations.on("a")).toHaveLength(0);
    expect(heard).toEqual(["pod-deleted"]);
  });
});
