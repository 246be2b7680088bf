import { describe, expect, it } from "vitest";
import type { Pod, TopologySpreadConstraint } from "../../../api/core/v1.ts";
import { requirementsOf } from "../../machinery/label-selector.ts";
import {
  decide,
  fitting,
  fourNodes,
  hostname,
  node,
  on,
  place,
  pod,
  zone,
  type Labels,
} from "../testing/small-cluster.ts";

const foo: Labels = { foo: "bar" };
const labelSelector = { matchLabels: foo };
const spread = (
  topologyKey: string,
  more: Partial<TopologySpreadConstraint> = {},
): TopologySpreadConstraint => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector,
  ...more,
});
const spreading = (...topologySpreadConstraints: readonly TopologySpreadConstraint[]): Pod =>
  pod(foo, { topologySpreadConstraints });
const foosOn = (...names: readonly string[]): readonly Pod[] =>
  names.map((name) => on(name, pod(foo)));

describe("the examples of Kubernetes' documentation", () => {
  const three = foosOn("node1", "node2", "node3");

  it("one constraint: the zone with fewer pods", () => {
    const wanted = spreading(spread(zone));
    expect(fitting({ nodes: fourNodes, running: three }, wanted)).toEqual(["node3", "node4"]);
  });

  it("two constraints: both must hold", () => {
    const wanted = spreading(spread(zone), spread(hostname));
    expect(fitting({ nodes: fourNodes, running: three }, wanted)).toEqual(["node4"]);
  });

  it("constraints in conflict: the pod stays pending", () => {
    const running = foosOn("node1", "node1", "node2", "node3", "node3");
    const wanted = spreading(spread(zone), spread(hostname));
    expect(place({ nodes: fourNodes.slice(0, 3), running }, wanted)).toBe(
      "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints.",
    );
  });

  it("node affinity leaves a zone out of the sum", () => {
    const nodes = [...fourNodes, node("node5", { [zone]: "zoneC" })];
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: zone, operator: "NotIn", values: ["zoneC"] }] },
          ],
        },
      },
    };
    const wanted = pod(foo, { affinity, topologySpreadConstraints: [spread(zone)] });
    expect(fitting({ nodes, running: three }, wanted)).toEqual(["node3", "node4"]);
    const ignoring = spread(zone, { nodeAffinityPolicy: "Ignore" });
    const blocked = pod(foo, { affinity, topologySpreadConstraints: [ignoring] });
    expect(fitting({ nodes, running: three }, blocked)).toEqual([]);
  });
});

describe("what counts", () => {
  it("a node without the label can never do", () => {
    const nodes = [node("bare"), ...fourNodes];
    const wanted = spreading(spread(zone, { maxSkew: 5 }));
    expect(fitting({ nodes }, wanted)).not.toContain("bare");
    expect(place({ nodes: [node("bare")] }, wanted)).toBe(
      "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints " +
        "(missing required label).",
    );
  });

  it("pods of other namespaces, and those that are being deleted, do not", () => {
    const leaving = on("node3", pod(foo));
    const running = [
      on("node1", pod(foo, {}, { namespace: "other" })),
      { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" } },
    ];
    const wanted = spreading(spread(zone));
    expect(fitting({ nodes: fourNodes, running }, wanted)).toHaveLength(4);
  });

  it("tainted nodes count, unless taints are to be honoured", () => {
    const taints = [{ key: "t", effect: "NoSchedule" }];
    const nodes = [fourNodes[0]!, node("node3", { [zone]: "zoneB" }, { taints })];
    const running = foosOn("node1");
    expect(fitting({ nodes, running }, spreading(spread(zone)))).toEqual([]);
    const honouring = spread(zone, { nodeTaintsPolicy: "Honor" });
    expect(fitting({ nodes, running }, spreading(honouring))).toEqual(["node1"]);
  });

  it("with fewer domains than minDomains the least is zero", () => {
    const running = foosOn("node1", "node3");
    const wanted = (minDomains: number): Pod => spreading(spread(zone, { minDomains }));
    expect(fitting({ nodes: fourNodes, running }, wanted(2))).toHaveLength(4);
    expect(fitting({ nodes: fourNodes, running }, wanted(3))).toEqual([]);
  });

  it("matchLabelKeys keep a rollout's old pods apart from its new ones", () => {
    const hash = "pod-template-hash";
    const running = ["node1", "node1"].map((name) => on(name, pod({ ...foo, [hash]: "old" })));
    const topologySpreadConstraints = [spread(zone, { matchLabelKeys: [hash] })];
    const wanted = pod({ ...foo, [hash]: "new" }, { topologySpreadConstraints });
    expect(fitting({ nodes: fourNodes, running }, wanted)).toHaveLength(4);
    expect(fitting({ nodes: fourNodes, running }, spreading(spread(zone)))).toHaveLength(2);
  });

  it("a pod that its own selector does not mean adds nothing", () => {
    const wanted = pod({}, { topologySpreadConstraints: [spread(zone)] });
    expect(fitting({ nodes: fourNodes, running: foosOn("node1") }, wanted)).toHaveLength(4);
  });
});

describe("preferences", () => {
  const soft = { whenUnsatisfiable: "ScheduleAnyway" };

  it("go to the emptier zone, and do not forbid the other", () => {
    const running = foosOn("node1", "node2");
    const wanted = spreading(spread(zone, soft));
    expect(place({ nodes: fourNodes, running }, wanted)).toMatch(/node[34]/);
    expect(fitting({ nodes: fourNodes, running }, wanted)).toHaveLength(4);
  });

  it("leave nodes without the label to the last", () => {
    const nodes = [node("bare"), node("node1", { [zone]: "zoneA" })];
    const running = foosOn("node1", "node1");
    expect(place({ nodes, running }, spreading(spread(zone, soft)))).toBe("node1");
  });

  it("by default spread what a Service or an owner selects, over nodes and zones", () => {
    const defaultSelector = requirementsOf(labelSelector);
    const running = foosOn("node1", "node3", "node3");
    const cluster = { nodes: fourNodes, running, defaultSelector };
    expect(place(cluster, pod(foo))).toBe("node2");
    const unlabelled = [node("a"), node("b")];
    const byName = { nodes: unlabelled, running: foosOn("a", "a"), defaultSelector };
    expect(place(byName, pod(foo))).toBe("b");
  });

  it("spread six replicas evenly over three nodes", () => {
    const defaultSelector = requirementsOf(labelSelector);
    const nodes = ["a", "b", "c"].map((name) => node(name));
    const running: Pod[] = [];
    for (let replica = 0; replica < 6; replica++) {
      const wanted = pod(foo, {}, { cpu: "0" });
      const result = decide({ nodes, running, defaultSelector }, wanted);
      if (result.fits) running.push(on(result.node.name, wanted));
    }
    const counts = Map.groupBy(running, ({ spec }) => spec?.nodeName);
    expect([...counts.values()].map(({ length }) => length)).toEqual([2, 2, 2]);
  });
});
