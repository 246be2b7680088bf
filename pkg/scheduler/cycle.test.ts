import { describe, expect, it } from "vitest";
import type { Node, NodeSpec, Pod, PodSpec } from "../../api/core/v1.ts";
import { ClusterCache } from "./cluster-cache.ts";
import { nodesToFind, schedule } from "./cycle.ts";
import { defaultPlugins } from "./default-plugins.ts";
import { podDemand } from "./pod-demand.ts";
import { Profile } from "./profile.ts";
import { describeRefusals } from "./refusals.ts";

const node = (name: string, spec: NodeSpec = {}, memory = "1Gi", labels = {}): Node => ({
  metadata: { name, labels },
  spec,
  status: { allocatable: { cpu: "2", memory, pods: "3", "example.org/gpu": "1" } },
});
let uids = 0;
const pod = (spec: Partial<PodSpec> = {}, requests: Record<string, string> = {}): Pod => ({
  metadata: { name: "p", namespace: "default", uid: `uid-${uids++}` },
  spec: { containers: [{ name: "c", resources: { requests } }], ...spec },
});
const profile = new Profile(defaultPlugins);

function place(
  nodes: readonly Node[],
  wanted: Pod,
  running: readonly (readonly [string, Pod])[] = [],
): string {
  const cache = new ClusterCache();
  for (const [name, other] of running)
    cache.setPod({ ...other, spec: { ...other.spec, nodeName: name } as PodSpec });
  for (const one of nodes) cache.setNode(one);
  const queued = { pod: wanted, demand: podDemand(wanted), priority: 0, queuedAtMs: 0 };
  const result = schedule(profile, queued, { cache, start: 0, tieBreak: 0 });
  return result.fits ? result.node.name : describeRefusals(result.refusals);
}

const tainted = { taints: [{ key: "team", value: "db", effect: "NoSchedule" }] };
const hostPort = (port: number): Partial<PodSpec> => ({
  containers: [{ name: "c", ports: [{ containerPort: 80, hostPort: port }] }],
});
const affinity = (key: string, operator: string, ...values: string[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
      },
    },
  },
});

describe("a pod goes where it fits", () => {
  for (const [title, nodes, wanted, expected] of [
    ["the only node", [node("a")], pod(), "a"],
    ["not to a cordoned one", [node("a", { unschedulable: true }), node("b")], pod(), "b"],
    ["not past a taint", [node("a", tainted), node("b")], pod(), "b"],
    [
      "past a taint that it tolerates",
      [node("a", tainted)],
      pod({ tolerations: [{ key: "team", operator: "Exists" }] }),
      "a",
    ],
    [
      "where there is memory",
      [node("a", {}, "64Mi"), node("b")],
      pod({}, { memory: "128Mi" }),
      "b",
    ],
    [
      "by selector",
      [node("a"), node("b", {}, "1Gi", { disk: "ssd" })],
      pod({ nodeSelector: { disk: "ssd" } }),
      "b",
    ],
    [
      "by affinity",
      [node("a"), node("b", {}, "1Gi", { cores: "8" })],
      pod(affinity("cores", "Gt", "4")),
      "b",
    ],
    [
      "to the emptier one",
      [node("a", {}, "1Gi"), node("b", {}, "8Gi")],
      pod({}, { memory: "512Mi" }),
      "b",
    ],
    [
      "away from a soft taint",
      [node("a", { taints: [{ key: "x", effect: "PreferNoSchedule" }] }), node("b")],
      pod(),
      "b",
    ],
    [
      "to the node that it prefers",
      [node("a"), node("b", {}, "1Gi", { disk: "ssd" })],
      pod({
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 1,
                preference: {
                  matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }],
                },
              },
            ],
          },
        },
      }),
      "b",
    ],
  ] as const) {
    // In both orders, since among equals the order decides.
    it(title, () => {
      expect(place(nodes, wanted)).toBe(expected);
      expect(place(nodes.toReversed(), wanted)).toBe(expected);
    });
  }
});

describe("a pod that fits nowhere is told why, with numbers", () => {
  for (const [title, nodes, wanted, expected] of [
    ["no nodes", [], pod(), "no nodes available to schedule pods"],
    [
      "memory",
      [node("a"), node("b")],
      pod({}, { memory: "64Gi" }),
      "0/2 nodes are available: 2 Insufficient memory (needs 64Gi, 1024Mi free of 1024Mi).",
    ],
    [
      "cpu",
      [node("a")],
      pod({}, { cpu: "2500m" }),
      "0/1 nodes are available: 1 Insufficient cpu (needs 2500m, 2 free of 2).",
    ],
    [
      "an extended resource",
      [node("a")],
      pod({}, { "example.org/gpu": "2" }),
      "0/1 nodes are available: 1 Insufficient example.org/gpu (needs 2, 1 free of 1).",
    ],
    [
      "a taint and a selector",
      [node("a", tainted), node("b")],
      pod({ nodeSelector: { disk: "ssd" } }),
      "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {team: db}.",
    ],
  ] as const) {
    it(title, () => expect(place(nodes, wanted)).toBe(expected));
  }
});

describe("what runs already counts", () => {
  it("host ports", () => {
    expect(place([node("a")], pod(hostPort(80)), [["a", pod(hostPort(80))]])).toContain(
      "free ports",
    );
    expect(place([node("a")], pod(hostPort(81)), [["a", pod(hostPort(80))]])).toBe("a");
  });
  it("the number of pods", () => {
    const three = [pod(), pod(), pod()].map((one) => ["a", one] as const);
    expect(place([node("a")], pod(), three)).toContain("Too many pods (3 of 3)");
  });
  it("requests, and those of init containers only where they are larger", () => {
    const init = pod(
      { initContainers: [{ name: "i", resources: { requests: { memory: "900Mi" } } }] },
      { memory: "100Mi" },
    );
    expect(place([node("a")], pod({}, { memory: "100Mi" }), [["a", init]])).toBe("a");
    expect(place([node("a")], pod({}, { memory: "200Mi" }), [["a", init]])).toContain(
      "Insufficient memory",
    );
  });
});

describe("nodesToFind", () => {
  for (const [nodes, expected] of [
    [1, 1],
    [100, 100],
    [250, 120],
    [1000, 420],
    [5000, 500],
    [15000, 750],
  ] as const) {
    it(`${nodes} nodes: ${expected}`, () => expect(nodesToFind(nodes)).toBe(expected));
  }
});

describe("ClusterCache", () => {
  it("counts a pod once that was assumed and is bound, and again what was resized", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a"));
    const one = pod({}, { memory: "1Gi" });
    const first = { ...one, metadata: { ...one.metadata, generation: 1 } };
    cache.assume(first, podDemand(first), "a");
    const version = (generation: number, memory: string): Pod => {
      const bound = pod({ nodeName: "a" }, { memory });
      return { ...bound, metadata: { ...one.metadata, generation } };
    };
    const used = (): number | undefined => cache.node("a")?.usedMemoryBytes;
    cache.setPod(version(1, "1Gi"));
    expect([used(), cache.node("a")?.pods.size]).toEqual([2 ** 30, 1]);
    expect(cache.node("a")?.pods.get(one.metadata?.uid ?? "")?.pod.spec?.nodeName).toBe("a");
    cache.setPod(version(2, "2Gi"));
    expect(used()).toBe(2 ** 31);
    cache.setPod({ ...version(3, "2Gi"), status: { phase: "Succeeded" } });
    expect(used()).toBe(0);
  });

  it("counts a pod anew that was resized before its binding was seen", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a"));
    const one = pod({}, { memory: "1Gi" });
    const metadata = { ...one.metadata, generation: 1 };
    cache.assume({ ...one, metadata }, podDemand(one), "a");
    const resized = pod({ nodeName: "a" }, { memory: "2Gi" });
    cache.setPod({ ...resized, metadata: { ...metadata, generation: 2 } });
    expect(cache.node("a")?.usedMemoryBytes).toBe(2 ** 31);
  });

  it("gives the place back when an assumption is taken back, or its node goes and comes", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a"));
    const one = pod({}, { memory: "1Gi" });
    cache.assume(one, podDemand(one), "a");
    expect(cache.node("a")?.usedMemoryBytes).toBe(2 ** 30);
    cache.removeNode("a");
    cache.setNode(node("a"));
    expect(cache.node("a")?.usedMemoryBytes).toBe(2 ** 30);
    cache.removePod(one);
    expect(cache.node("a")?.usedMemoryBytes).toBe(0);
  });
});
