import { describe, expect, it } from "vitest";
import type { Affinity, Pod, PodAffinityTerm } from "../../../api/core/v1.ts";
import {
  decide,
  fitting,
  fourNodes,
  hostname,
  node,
  on,
  place,
  pod,
  term,
  zone,
  type Labels,
} from "../testing/small-cluster.ts";

const near = (...terms: readonly PodAffinityTerm[]): Affinity => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const away = (...terms: readonly PodAffinityTerm[]): Affinity => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const preferring = (weight: number, one: PodAffinityTerm): Affinity => ({
  podAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: one }],
  },
});
const avoiding = (weight: number, one: PodAffinityTerm): Affinity => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: one }],
  },
});
const s1: Labels = { security: "S1" };
const s2: Labels = { security: "S2" };
const all = fourNodes.map(({ metadata }) => metadata?.name ?? "");

describe("required terms", () => {
  const running = [on("node1", pod(s1)), on("node3", pod(s2))];
  for (const [title, affinity, expected] of [
    ["affinity: the whole zone of a pod that matches", near(term(s1, zone)), ["node1", "node2"]],
    ["affinity by node", near(term(s1, hostname)), ["node1"]],
    ["anti-affinity keeps out of the zone", away(term(s2, zone)), ["node1", "node2"]],
    ["anti-affinity by node", away(term(s2, hostname)), ["node1", "node2", "node4"]],
    ["both", { ...near(term(s1, zone)), ...away(term(s1, hostname)) }, ["node2"]],
    ["affinity to one pod that matches all terms", near(term(s1, zone), term(s2, zone)), []],
    ["a topology that no node has, for anti-affinity", away(term(s1, "rack")), all],
    ["a topology that no node has, for affinity", near(term(s1, "rack")), []],
  ] as const) {
    it(title, () => {
      expect(fitting({ nodes: fourNodes, running }, pod({}, { affinity }))).toEqual(expected);
    });
  }

  it("say so in upstream's words", () => {
    const nodes = fourNodes.slice(0, 2);
    const wanted = pod({}, { affinity: near(term({ app: "none" }, zone)) });
    expect(place({ nodes, running }, wanted)).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.",
    );
    const repelled = pod({}, { affinity: away(term(s1, zone)) });
    expect(place({ nodes, running }, repelled)).toBe(
      "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
    );
  });

  it("let the first of a group that wants to be together go anywhere with the label", () => {
    const wanted = pod(s1, { affinity: near(term(s1, zone)) });
    const nodes = [...fourNodes, node("bare")];
    expect(fitting({ nodes }, wanted)).toEqual(all);
    expect(fitting({ nodes }, pod(s2, { affinity: near(term(s1, zone)) }))).toEqual([]);
  });

  it("of placed pods keep others away: anti-affinity is symmetric", () => {
    const guard = on("node1", pod({}, { affinity: away(term(s2, zone)) }));
    expect(fitting({ nodes: fourNodes, running: [guard] }, pod(s2))).toEqual(["node3", "node4"]);
    expect(fitting({ nodes: fourNodes, running: [guard] }, pod(s1))).toEqual(all);
    expect(place({ nodes: fourNodes.slice(0, 1), running: [guard] }, pod(s2))).toBe(
      "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
    );
  });
});

describe("namespaces", () => {
  const namespaces = { default: {}, blue: { team: "blue" }, red: { team: "red" } };
  const running = [
    on("node1", pod(s1, {}, { namespace: "blue" })),
    on("node3", pod(s1, {}, { namespace: "red" })),
  ];
  for (const [title, more, expected] of [
    ["the pod's own when the term names none", {}, all],
    ["those named", { namespaces: ["blue"] }, ["node2", "node3", "node4"]],
    [
      "those whose labels match",
      { namespaceSelector: { matchLabels: { team: "red" } } },
      ["node1", "node2", "node4"],
    ],
    [
      "named and matching ones together",
      { namespaces: ["blue"], namespaceSelector: { matchLabels: { team: "red" } } },
      ["node2", "node4"],
    ],
    ["all, for an empty selector", { namespaceSelector: {} }, ["node2", "node4"]],
  ] as const) {
    it(title, () => {
      const wanted = pod({}, { affinity: away(term(s1, hostname, more)) });
      expect(fitting({ nodes: fourNodes, running, namespaces }, wanted)).toEqual(expected);
    });
  }
});

describe("preferred terms", () => {
  const running = [on("node1", pod(s1)), on("node3", pod(s2))];
  for (const [title, affinity, expected] of [
    ["towards", preferring(100, term(s1, hostname)), "node1"],
    ["away", { ...avoiding(100, term(s1, zone)), ...preferring(1, term(s2, hostname)) }, "node3"],
  ] as const) {
    it(title, () => {
      expect(place({ nodes: fourNodes, running }, pod({}, { affinity }))).toBe(expected);
    });
  }

  it("of placed pods draw and repel others", () => {
    const shy = on("node1", pod({}, { affinity: avoiding(100, term(s1, zone)) }));
    expect(place({ nodes: fourNodes, running: [shy] }, pod(s1))).toMatch(/node[34]/);
    const friendly = on("node4", pod({}, { affinity: preferring(100, term(s1, hostname)) }));
    expect(place({ nodes: fourNodes, running: [friendly] }, pod(s1))).toBe("node4");
    const needy = on("node4", pod(s1, { affinity: near(term(s1, hostname)) }));
    expect(place({ nodes: fourNodes, running: [needy] }, pod(s1))).toBe("node4");
  });
});

it("one cache and one web server a node, as in the documentation", () => {
  const store: Labels = { app: "store" };
  const web: Labels = { app: "web-store" };
  const nodes = ["node-1", "node-2", "node-3"].map((name) => node(name));
  const running: Pod[] = [];
  const start = (labels: Labels, affinity: Affinity): void => {
    const wanted = pod(labels, { affinity });
    const result = decide({ nodes, running }, wanted);
    if (result.fits) running.push(on(result.node.name, wanted));
  };
  for (let replica = 0; replica < 3; replica++) start(store, away(term(store, hostname)));
  for (let replica = 0; replica < 3; replica++) {
    start(web, { ...away(term(web, hostname)), ...near(term(store, hostname)) });
  }
  const byNode = Map.groupBy(running, ({ spec }) => spec?.nodeName ?? "");
  expect(byNode.size).toBe(3);
  for (const pods of byNode.values()) {
    expect(pods.map(({ metadata }) => metadata?.labels?.["app"])).toEqual(["store", "web-store"]);
  }
  start(web, { ...away(term(web, hostname)), ...near(term(store, hostname)) });
  expect(running).toHaveLength(6);
});
