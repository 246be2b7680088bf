import { describe, expect, it } from "vitest";
import type { DaemonSet, RollingUpdateDaemonSet } from "../../../api/apps/v1.ts";
import type { Node, Pod, PodSpec } from "../../../api/core/v1.ts";
import { isUpdated, podFor, suitability, targetNodeOf, tolerationsOf } from "./daemon-pod.ts";
import { situationOf } from "./node-pods.ts";
import { planDaemonSet } from "./plan.ts";
import { daemonSetStatus, nextAvailableInMs } from "./status.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const at = (secondsAgo: number): string => new Date(nowMs - secondsAgo * 1_000).toISOString();
const hash = "new";

const daemonSet = (
  rollingUpdate: RollingUpdateDaemonSet = { maxUnavailable: 1, maxSurge: 0 },
  spec: Partial<DaemonSet["spec"]> = {},
): DaemonSet => ({
  metadata: { name: "agent", namespace: "default", uid: "d", generation: 3 },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: {
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "main", image: "new" }] },
    },
    updateStrategy: { type: "RollingUpdate", rollingUpdate },
    ...spec,
  },
});

const node = (name: string, rest: Partial<NonNullable<Node["spec"]>> = {}): Node => ({
  metadata: { name, uid: name, labels: { name } },
  spec: rest,
});
const nodesOf = (count: number): readonly Node[] =>
  Array.from({ length: count }, (_, index) => node(`n${index + 1}`));

/**
 * "new@n1": an available pod of the current template on n1. Behind it, "unready", "failed",
 * "succeeded", "ending", "young" (ready for a second) or "unbound".
 */
function pod(text: string): Pod {
  const [what = "", ...facts] = text.split(" ");
  const [template = "", nodeName = ""] = what.split("@");
  const is = (fact: string): boolean => facts.includes(fact);
  const phase = is("failed") ? "Failed" : is("succeeded") ? "Succeeded" : "Running";
  const isReady = !is("unready") && phase === "Running";
  const made = podFor(daemonSet(), nodeName, template);
  return {
    ...made,
    metadata: {
      ...made.metadata,
      name: text.replaceAll(" ", "-"),
      uid: text,
      creationTimestamp: at(is("late") ? 10 : 3_600),
      ...(is("ending") ? { deletionTimestamp: at(1) } : {}),
    },
    spec: { ...(made.spec ?? { containers: [] }), ...(is("unbound") ? {} : { nodeName }) },
    status: {
      phase,
      conditions: [
        {
          type: "Ready",
          status: isReady ? "True" : "False",
          lastTransitionTime: at(is("young") ? 1 : 600),
        },
      ],
    },
  };
}

const plan = (
  wanted: DaemonSet,
  nodes: readonly Node[],
  pods: readonly string[],
  mayRetry = true,
): readonly string[] => {
  const situation = situationOf(wanted, { nodes, pods: pods.map(pod), hash, nowMs });
  const changes = planDaemonSet(situation, () => mayRetry);
  return [
    ...changes.delete.map((one) => `delete ${one.pod.metadata?.uid}`),
    ...changes.create.map((name) => `create ${name}`),
  ];
};

const tainted = (key: string, effect: string): Node => node("n1", { taints: [{ key, effect }] });
const onDelete = daemonSet({}, { updateStrategy: { type: "OnDelete" } });
const surge = (maxSurge: number | string): DaemonSet => daemonSet({ maxUnavailable: 0, maxSurge });

describe("planDaemonSet: which nodes have a pod", () => {
  for (const [title, nodes, pods, expected] of [
    ["a pod for each node", nodesOf(2), [], ["create n1", "create n2"]],
    ["only where one is missing", nodesOf(2), ["new@n1"], ["create n2"]],
    ["nothing while one is ending", nodesOf(1), ["new@n1 ending"], []],
    ["a new one once it has ended", nodesOf(1), ["new@n1 failed ending"], ["create n1"]],
    ["none twice", nodesOf(1), ["new@n1", "new@n1 late"], ["delete new@n1 late"]],
    [
      "the bound one stays",
      nodesOf(1),
      ["new@n1 unbound", "new@n1 late"],
      ["delete new@n1 unbound"],
    ],
    ["a failed one goes", nodesOf(1), ["new@n1 failed"], ["delete new@n1 failed"]],
    ["one that has succeeded goes", nodesOf(1), ["new@n1 succeeded"], ["delete new@n1 succeeded"]],
    ["one for no node goes", nodesOf(0), ["new@n9 unbound"], ["delete new@n9 unbound"]],
    ["one bound to no node is not ours to end", nodesOf(0), ["new@n9"], []],
    ["none where it is not tolerated", [tainted("mine", "NoSchedule")], [], []],
    ["but it stays there", [tainted("mine", "NoSchedule")], ["new@n1"], []],
    ["until it is evicted", [tainted("mine", "NoExecute")], ["new@n1"], ["delete new@n1"]],
    ["soft taints do not count", [tainted("mine", "PreferNoSchedule")], [], ["create n1"]],
    ["cordoned", [tainted("node.kubernetes.io/unschedulable", "NoSchedule")], [], ["create n1"]],
    ["silent", [tainted("node.kubernetes.io/unreachable", "NoExecute")], ["new@n1"], []],
  ] as const)
    it(title, () => expect(plan(daemonSet(), nodes, pods)).toEqual(expected));

  it("waits before it replaces a failed pod again", () =>
    expect(plan(daemonSet(), nodesOf(1), ["new@n1 failed"], false)).toEqual([]));

  it("does nothing for one that is being deleted", () => {
    const { metadata, spec } = daemonSet();
    const ending = { metadata: { ...metadata, deletionTimestamp: at(1) }, spec };
    expect(plan(ending, nodesOf(2), [])).toEqual([]);
  });

  it("makes at most 250 at a time", () =>
    expect(plan(daemonSet(), nodesOf(400), []).length).toBe(250));
});

describe("planDaemonSet: a rollout in place", () => {
  for (const [title, wanted, nodes, pods, expected] of [
    ["one after the other", daemonSet(), 3, ["old@n1", "old@n2", "old@n3"], ["delete old@n1"]],
    ["not before the new one is there", daemonSet(), 2, ["old@n1", "new@n2 unready"], []],
    [
      "nor before it is available",
      daemonSet({}, { minReadySeconds: 5 }),
      2,
      ["old@n1", "new@n2 young"],
      [],
    ],
    ["then the next", daemonSet(), 2, ["old@n1", "new@n2"], ["delete old@n1"]],
    [
      "unavailable old ones at once",
      daemonSet(),
      3,
      ["old@n1 unready", "old@n2 unready", "old@n3"],
      ["delete old@n1 unready", "delete old@n2 unready", "delete old@n3"],
    ],
    [
      "half of them",
      daemonSet({ maxUnavailable: "50%" }),
      3,
      ["old@n1", "old@n2", "old@n3"],
      ["delete old@n1", "delete old@n2"],
    ],
    ["an ending one is missing", daemonSet(), 2, ["old@n1", "old@n2 ending"], []],
    ["missing pods come first", daemonSet(), 2, ["old@n1"], ["create n2"]],
    ["not by itself", onDelete, 2, ["old@n1", "old@n2 unready"], []],
  ] as const)
    it(title, () => expect(plan(wanted, nodesOf(nodes), pods)).toEqual(expected));
});

describe("planDaemonSet: a rollout by surge", () => {
  for (const [title, wanted, nodes, pods, expected] of [
    ["a second pod first", surge(1), 2, ["old@n1", "old@n2"], ["create n1"]],
    ["not more than may be", surge(1), 2, ["old@n1", "new@n1 unready late", "old@n2"], []],
    [
      "the old one goes when the new one serves",
      surge(1),
      2,
      ["old@n1", "new@n1 late", "old@n2"],
      ["delete old@n1"],
    ],
    [
      "or when it does not serve itself",
      surge(1),
      1,
      ["old@n1 unready", "new@n1 late unready"],
      ["delete old@n1 unready"],
    ],
    [
      "nodes without service are urgent",
      surge(1),
      3,
      ["old@n1 unready", "old@n2 unready", "old@n3"],
      ["create n1", "create n2", "create n3"],
    ],
    ["by share", surge("60%"), 3, ["old@n1", "old@n2", "old@n3"], ["create n1", "create n2"]],
    [
      "three are too many",
      surge(1),
      1,
      ["old@n1", "new@n1 unready late", "new@n1 unready late second"],
      ["delete new@n1 unready late second"],
    ],
  ] as const)
    it(title, () => expect(plan(wanted, nodesOf(nodes), pods)).toEqual(expected));

  it("keeps the pod of a node that is no longer meant until others have theirs", () => {
    const nodes = [tainted("mine", "NoSchedule"), node("n2")];
    expect(plan(surge(1), nodes, ["old@n1", "new@n2 unready"])).toEqual([]);
    expect(plan(surge(1), nodes, ["old@n1", "new@n2"])).toEqual(["delete old@n1"]);
  });
});

describe("the pod of a node", () => {
  const spec: PodSpec = {
    containers: [],
    hostNetwork: true,
    tolerations: [{ key: "mine", operator: "Exists" }],
    affinity: {
      podAntiAffinity: {},
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "name", operator: "In", values: ["n1"] }] },
          ],
        },
      },
    },
  };
  const picky = daemonSet({}, { template: { metadata: { labels: { a: "b" } }, spec } });

  it("asks for that node, and carries its revision", () => {
    const made = podFor(picky, "n1", "h");
    expect(made.metadata?.generateName).toBe("agent-");
    expect(made.metadata?.labels).toEqual({ a: "b", "controller-revision-hash": "h" });
    expect(made.spec?.affinity).toEqual({
      podAntiAffinity: {},
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] },
          ],
        },
      },
    });
    expect(targetNodeOf(made)).toBe("n1");
    expect(made.spec?.tolerations?.map(({ key }) => key)).toContain(
      "node.kubernetes.io/network-unavailable",
    );
  });

  it("is meant for nodes that its template asks for", () => {
    const judge = suitability(picky);
    expect(judge(node("n1"))).toEqual({ shouldRun: true, mayStay: true });
    expect(judge(node("n2"))).toEqual({ shouldRun: false, mayStay: false });
  });

  it("tolerates nothing twice", () => {
    const own = { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" };
    expect(tolerationsOf({ containers: [], tolerations: [own] }).length).toBe(6);
  });

  it("is of the template when its hash or its generation says so", () => {
    const annotations = { "deprecated.daemonset.template.generation": "2" };
    const counted = { ...daemonSet(), metadata: { name: "agent", annotations } };
    const made = podFor(counted, "n1", "h");
    expect(isUpdated(made, daemonSet(), "h")).toBe(true);
    expect(isUpdated(made, daemonSet(), "i")).toBe(false);
    expect(isUpdated(made, counted, "i")).toBe(true);
  });
});

describe("daemonSetStatus", () => {
  const nodes = [...nodesOf(4), node("n5", { taints: [{ key: "mine", effect: "NoSchedule" }] })];
  const pods = ["new@n1", "new@n2 young", "old@n3 unready", "old@n5"].map(pod);
  const wanted = daemonSet({}, { minReadySeconds: 5 });
  const situation = situationOf(wanted, { nodes, pods, hash, nowMs });

  it("counts nodes, not pods", () =>
    expect(daemonSetStatus(situation)).toEqual({
      desiredNumberScheduled: 4,
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      numberReady: 2,
      numberAvailable: 1,
      numberUnavailable: 3,
      updatedNumberScheduled: 2,
      observedGeneration: 3,
    }));

  it("says when the next pod counts as available", () =>
    expect(nextAvailableInMs(situation)).toBe(4_000));
});
