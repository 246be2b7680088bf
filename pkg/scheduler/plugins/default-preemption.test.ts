import { describe, expect, it } from "vitest";
import type { Pod, PodSpec } from "../../../api/core/v1.ts";
import type { PodDisruptionBudget } from "../../../api/policy/v1.ts";
import { queuedPod } from "../queued-pod.ts";
import { Nominations } from "../nominations.ts";
import { decide, hostname, node, on, pod, preempt, term, zone } from "../testing/small-cluster.ts";

/** Named, with a priority and so many CPUs; started at a second of a minute. */
const running = (
  name: string,
  where: string,
  priority: number,
  { cpu = "1", startedAt = 0, labels = { app: name } } = {},
): Pod => {
  const one = on(where, pod(labels, { priority }, { cpu }));
  const startTime = `2030-01-01T00:00:${String(startedAt).padStart(2, "0")}Z`;
  return { ...one, metadata: { ...one.metadata, name }, status: { startTime } };
};
const wanting = (cpu: string, priority = 1_000, spec: Partial<PodSpec> = {}): Pod =>
  pod({}, { priority, ...spec }, { cpu });
const small = (name: string) => node(name, {}, { cpu: "2" });
const names = (pods: readonly Pod[] | undefined): readonly string[] =>
  (pods ?? []).map(({ metadata }) => metadata?.name ?? "");
const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  metadata: { name: app, namespace: "default" },
  spec: { selector: { matchLabels: { app } } },
  status: {
    disruptionsAllowed,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
  },
});

describe("who has to go", () => {
  for (const [title, nodes, pods, cpu, node, victims] of [
    [
      "the least that makes room",
      ["a"],
      [
        ["x", "a", 1],
        ["y", "a", 2],
      ],
      "1",
      "a",
      ["x"],
    ],
    [
      "all of lower priority, if it takes them",
      ["a"],
      [
        ["x", "a", 1],
        ["y", "a", 2],
      ],
      "2",
      "a",
      ["y", "x"],
    ],
    [
      "nobody of equal priority",
      ["a", "b"],
      [
        ["x", "a", 1_000],
        ["y", "b", 1],
      ],
      "2",
      "b",
      ["y"],
    ],
    [
      "on the node whose highest victim is lowest",
      ["a", "b"],
      [
        ["x", "a", 9],
        ["y", "b", 5],
      ],
      "2",
      "b",
      ["y"],
    ],
    [
      "then where the sum is least",
      ["a", "b"],
      [
        ["x", "a", 5],
        ["w", "a", 5],
        ["y", "b", 5],
        ["z", "b", 1],
      ],
      "2",
      "b",
      ["y", "z"],
    ],
  ] as const) {
    it(title, () => {
      const cluster = {
        nodes: nodes.map(small),
        running: pods.map(([name, where, priority]) => running(name, where, priority)),
      };
      const { preemption, message } = preempt(cluster, wanting(cpu));
      expect([preemption?.node.name, names(preemption?.victims)]).toEqual([node, victims]);
      expect(message).toBe(
        `preemption: found a potential placement for pod on node ${node}, ` +
          `preempting ${victims.length} victims`,
      );
    });
  }

  it("among equals, who started last", () => {
    const nodes = [small("a"), small("b")];
    const pods = [
      running("x", "a", 1, { cpu: "2", startedAt: 10 }),
      running("y", "b", 1, { cpu: "2", startedAt: 20 }),
    ];
    expect(names(preempt({ nodes, running: pods }, wanting("1")).preemption?.victims)).toEqual([
      "y",
    ]);
    const one = [
      running("old", "a", 1, { startedAt: 10 }),
      running("young", "a", 1, { startedAt: 20 }),
    ];
    const cluster = { nodes: [small("a")], running: one };
    expect(names(preempt(cluster, wanting("1")).preemption?.victims)).toEqual(["young"]);
  });

  it("rather those whose budget allows it, and the others if there is no way", () => {
    const nodes = [small("a"), small("b")];
    const pods = [running("x", "a", 1, { cpu: "2" }), running("y", "b", 2, { cpu: "2" })];
    const guarded = preempt({ nodes, running: pods }, wanting("2"), () => [budget("x", 0)]);
    expect(guarded.preemption?.node.name).toBe("b");
    const spent = [budget("x", 0), budget("y", 0)];
    const forced = preempt({ nodes, running: pods }, wanting("2"), () => spent);
    expect(forced.preemption?.node.name).toBe("a");
    const allowed = preempt({ nodes, running: pods }, wanting("2"), () => [budget("x", 1)]);
    expect(allowed.preemption?.node.name).toBe("a");
  });

  it("pods whose going ends a refusal by anti-affinity or by spreading", () => {
    const anti = {
      affinity: {
        podAntiAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [term({ app: "x" }, hostname)],
        },
      },
    };
    const cluster = { nodes: [small("a")], running: [running("x", "a", 1)] };
    const repelled = preempt(cluster, wanting("1", 1_000, anti));
    expect(names(repelled.preemption?.victims)).toEqual(["x"]);
    const zoned = [node("a", { [zone]: "1" }), node("b", { [zone]: "2" }, { cpu: "1" })];
    const spread = {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: zone,
          whenUnsatisfiable: "DoNotSchedule",
          labelSelector: { matchLabels: { app: "s" } },
        },
      ],
    };
    const s = (name: string, where: string): Pod =>
      running(name, where, 1, { labels: { app: "s" } });
    const pods = [s("s1", "a"), s("s2", "a"), running("big", "b", 2_000)];
    const wanted = pod({ app: "s" }, { priority: 1_000, ...spread }, { cpu: "1" });
    const skewed = preempt({ nodes: zoned, running: pods }, wanted);
    expect(skewed.preemption?.node.name).toBe("a");
    expect(skewed.preemption?.victims).toHaveLength(2);
  });
});

describe("when it does not help", () => {
  it("says why, in upstream's words", () => {
    const taints = [{ key: "t", effect: "NoSchedule" }];
    const nodes = [small("a"), small("b"), node("c", {}, { taints })];
    const pods = [running("x", "a", 2_000, { cpu: "2" }), running("y", "b", 1)];
    expect(preempt({ nodes, running: pods }, wanting("3")).message).toBe(
      "preemption: 0/3 nodes are available: 1 Insufficient cpu, " +
        "1 No preemption victims found for incoming pod, " +
        "1 Preemption is not helpful for scheduling.",
    );
  });

  it("pods of equal priority stay, beside others that would go", () => {
    const pods = [running("x", "a", 1_000), running("y", "a", 1)];
    expect(preempt({ nodes: [small("a")], running: pods }, wanting("2")).message).toBe(
      "preemption: 0/1 nodes are available: 1 Insufficient cpu.",
    );
  });

  it("preemptionPolicy Never waits for others to go by themselves", () => {
    const cluster = { nodes: [small("a")], running: [running("x", "a", 1, { cpu: "2" })] };
    const { message, preemption } = preempt(
      cluster,
      wanting("1", 1_000, { preemptionPolicy: "Never" }),
    );
    expect(preemption).toBeUndefined();
    expect(message).toBe("preemption: not eligible due to preemptionPolicy=Never.");
  });

  it("waits while its victims are leaving", () => {
    const x = running("x", "a", 1, { cpu: "2" });
    const condition = { type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" };
    const leaving = {
      ...x,
      metadata: { ...x.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" },
      status: { ...x.status, conditions: [condition] },
    };
    const wanted = { ...wanting("1"), status: { nominatedNodeName: "a" } };
    const { message, isUnderWay } = preempt({ nodes: [small("a")], running: [leaving] }, wanted);
    expect(isUnderWay).toBe(true);
    expect(message).toBe(
      "preemption: not eligible due to a terminating pod on the nominated node.",
    );
  });
});

describe("a promised place", () => {
  const promised = (priority: number): Nominations => {
    const nominations = new Nominations();
    nominations.set(queuedPod(wanting("2", priority), 0), "a");
    return nominations;
  };
  const cluster = { nodes: [small("a")] };

  it("is kept from pods of lower or equal priority, not from those of higher", () => {
    const at = (priority: number) =>
      decide(cluster, wanting("1", 500), undefined, promised(priority)).fits;
    expect([at(1_000), at(500), at(100)]).toEqual([false, false, true]);
  });

  it("is the first that its pod looks at", () => {
    const wanted = wanting("1");
    const nominations = new Nominations();
    nominations.set(queuedPod(wanted, 0), "b");
    const two = { nodes: [node("a"), node("b", {}, { cpu: "1" })] };
    const result = decide(two, wanted, undefined, nominations);
    expect(result.fits && result.node.name).toBe("b");
  });
});
