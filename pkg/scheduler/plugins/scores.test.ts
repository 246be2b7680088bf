import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../../api/core/v1.ts";
import { queuedPod } from "../queued-pod.ts";
import {
  leastAllocated,
  mostAllocated,
  requestedToCapacityRatio,
  type FitStrategy,
} from "../fit-strategies.ts";
import { defaultPlugins } from "../default-plugins.ts";
import { imageName } from "../node-images.ts";
import type { NodeState } from "../node-state.ts";
import { cacheOf, decide, node, on, place, pod } from "../testing/small-cluster.ts";
import { imageLocality } from "./image-locality.ts";
import { nodeAffinityWith } from "./node-affinity.ts";
import { nodeResourcesBalancedAllocation } from "./node-resources-balanced-allocation.ts";

const machine = (name: string, cpu: string, memory: string): Node => ({
  metadata: { name },
  status: { allocatable: { cpu, memory, pods: "10" } },
});
const asking = (cpu: string, memory: string): Pod => {
  const one = pod();
  const requests = { cpu, memory };
  return { ...one, spec: { containers: [{ name: "c", resources: { requests } }] } };
};
const stateOf = (one: Node, running: readonly Pod[] = []): NodeState =>
  cacheOf({ nodes: [one], running }).nodes[0] as NodeState;

describe("NodeResourcesFit", () => {
  const shape = [
    { utilization: 0, score: 0 },
    { utilization: 100, score: 10 },
  ];
  const falling = [
    { utilization: 20, score: 10 },
    { utilization: 80, score: 4 },
  ];
  const used = [on("n", asking("1", "1Gi"))];
  for (const [title, strategy, expected] of [
    // Of 4 CPUs 2 are used with the pod, of 8 GiB 2.
    ["LeastAllocated", leastAllocated(), 62],
    ["MostAllocated", mostAllocated(), 37],
    ["RequestedToCapacityRatio, rising", requestedToCapacityRatio(shape), 38],
    ["RequestedToCapacityRatio, falling", requestedToCapacityRatio(falling), 83],
    ["one resource only", leastAllocated([{ name: "memory", weight: 1 }]), 75],
    [
      "weights",
      mostAllocated([
        { name: "cpu", weight: 3 },
        { name: "memory", weight: 1 },
      ]),
      43,
    ],
    ["a resource that the pod does not ask for", mostAllocated([{ name: "x/y", weight: 1 }]), 0],
  ] as const satisfies readonly (readonly [string, FitStrategy, number])[]) {
    it(title, () => {
      const state = stateOf(machine("n", "4", "8Gi"), used);
      expect(strategy(queuedPod(asking("1", "1Gi"), 0), state)).toBe(expected);
    });
  }
});

describe("NodeResourcesBalancedAllocation", () => {
  const score = (wanted: Pod, running: readonly Pod[]): number | undefined =>
    nodeResourcesBalancedAllocation.score?.(
      queuedPod(wanted, 0),
      stateOf(machine("n", "10", "10Gi"), running),
    );
  it("is 75 where the pod changes nothing, more or less where it evens or does not", () => {
    expect(score(asking("1", "1Gi"), [])).toBe(75);
    expect(score(asking("4", "0"), [on("n", asking("0", "4Gi"))])).toBe(85);
    expect(score(asking("4", "0"), [])).toBe(65);
    expect(score(asking("0", "0"), [on("n", asking("4", "0"))])).toBe(0);
  });
});

describe("ImageLocality", () => {
  const mebi = 1024 * 1024;
  const holding = (name: string, images: Readonly<Record<string, number>>): Node => ({
    ...machine(name, "4", "8Gi"),
    status: {
      ...machine(name, "4", "8Gi").status,
      images: Object.entries(images).map(([image, size]) => ({
        names: [image],
        sizeBytes: size * mebi,
      })),
    },
  });
  const wanting = (image: string): Pod => ({
    ...pod(),
    spec: { containers: [{ name: "c", image }] },
  });
  const scores = (nodes: readonly Node[], image: string): readonly (number | undefined)[] => {
    const cache = cacheOf({ nodes });
    const scoring = imageLocality.preScore?.(queuedPod(wanting(image), 0), cache.nodes, cache);
    return cache.nodes.map((one) => scoring?.score(one));
  };
  it("counts bytes by the share of nodes that have them", () => {
    const nodes = [holding("a", { "big:1": 1_000 }), holding("b", {})];
    // Half of 1,000 MiB, above the 23 that do not count, of the 977 that do.
    expect(scores(nodes, "big:1")).toEqual([48, 0]);
    expect(scores(nodes, "other:1")).toEqual([undefined, undefined]);
    expect(scores([holding("a", { "small:latest": 20 })], "small")).toEqual([0]);
  });
  it("names images as runtimes do", () => {
    expect(["a", "a:1", "host:5000/a", "host:5000/a:1"].map(imageName)).toEqual([
      "a:latest",
      "a:1",
      "host:5000/a:latest",
      "host:5000/a:1",
    ]);
  });
  it("decides between otherwise equal nodes", () => {
    const nodes = [holding("a", {}), holding("b", { "big:1": 900 })];
    expect(place({ nodes }, wanting("big:1"))).toBe("b");
  });
});

describe("NodeAffinity", () => {
  const named = (...values: readonly string[]): Pod =>
    pod(
      {},
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchFields: [{ key: "metadata.name", operator: "In", values }] },
              ],
            },
          },
        },
      },
    );
  it("by metadata.name looks at that node alone, as a DaemonSet's pods ask", () => {
    const nodes = ["a", "b", "c"].map((name) => node(name));
    const result = decide({ nodes }, named("b"));
    expect(result).toMatchObject({ fits: true, lookedAt: 1 });
    expect(place({ nodes }, named("b"))).toBe("b");
    expect(place({ nodes: [node("a"), node("b", {}, { cpu: "0" })] }, named("b"))).toBe(
      "0/2 nodes are available: 1 Insufficient cpu (needs 100m, 0 free of 0), " +
        "1 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
  });
  it("added by the profile counts beside the pod's own", () => {
    const added = nodeAffinityWith({
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "pool", operator: "Exists" }] }],
      },
    });
    const plugins = defaultPlugins.map((one) => (one.name === added.name ? added : one));
    const nodes = [node("a"), node("b", { pool: "x" })];
    expect(place({ nodes, plugins }, pod())).toBe("b");
    expect(place({ nodes: [node("a")], plugins }, pod())).toBe(
      "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity.",
    );
  });
});

it("weights are those of upstream's default profile", () => {
  const weights = defaultPlugins
    .filter(({ score, preScore }) => score !== undefined || preScore !== undefined)
    .map(({ name, weight = 1 }) => [name, weight]);
  expect(Object.fromEntries(weights)).toEqual({
    TaintToleration: 3,
    NodeAffinity: 2,
    PodTopologySpread: 2,
    InterPodAffinity: 2,
    NodeResourcesFit: 1,
    NodeResourcesBalancedAllocation: 1,
    ImageLocality: 1,
  });
});
