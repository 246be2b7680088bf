import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../api/core/v1.ts";
import { seededRandom, type Random } from "../base/random.ts";
import { matchesSelector, type Labels } from "../machinery/label-selector.ts";
import { ClusterCache } from "./cluster-cache.ts";
import type { NodeState } from "./node-state.ts";
import { matchingTerms, podsOf, requirementsOrNone } from "./pod-matcher.ts";
import { node, on, pod, term, zone } from "./testing/small-cluster.ts";

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random.fraction() * from.length)] as T;

const names = ["n0", "n1", "n2", "n3", "n4", "n5"];
const zones: readonly Labels[] = [{}, { [zone]: "a" }, { [zone]: "b" }, { [zone]: "c" }];
const taint = { key: "t", effect: "NoSchedule" };
const labels: readonly Labels[] = [{}, { app: "web" }, { app: "db" }, { app: "web", tier: "x" }];
const namespaces = ["one", "two"];
const selectors = [
  { matchLabels: { app: "web" } },
  { matchExpressions: [{ key: "app", operator: "Exists" }] },
  { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] },
  {},
];

const notOut = {
  key: "not out",
  admits: ({ metadata, spec }: Node) =>
    metadata?.labels?.["out"] === undefined && spec?.taints === undefined,
};

/** The same cluster as plain lists, with every answer found by looking at all of it. */
class Naive {
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, Pod>();

  around(at: Node, topologyKey: string, counts: (one: Pod, where: Node) => boolean): number {
    const value = at.metadata?.labels?.[topologyKey];
    if (value === undefined) return 0;
    return this.#sum(topologyKey, counts).get(value) ?? 0;
  }
  least(topologyKey: string, counts: (one: Pod, where: Node) => boolean): number {
    const sums = [...this.#sum(topologyKey, counts).values()];
    return sums.length === 0 ? 0 : Math.min(...sums);
  }
  #sum(topologyKey: string, counts: (one: Pod, where: Node) => boolean): Map<string, number> {
    const sums = new Map<string, number>();
    for (const where of this.nodes.values()) {
      const value = where.metadata?.labels?.[topologyKey];
      if (value === undefined || !notOut.admits(where)) continue;
      const here = [...this.pods.values()].filter(
        (one) => one.spec?.nodeName === where.metadata?.name && counts(one, where),
      );
      sums.set(value, (sums.get(value) ?? 0) + here.length);
    }
    return sums;
  }
}

/** One random change, made on both. */
function change(random: Random, cache: ClusterCache, naive: Naive): void {
  const name = pick(random, names);
  const what = random.fraction();
  if (what < 0.25) {
    const out = random.fraction() < 0.2 ? { out: "yes" } : {};
    const taints = random.fraction() < 0.3 ? [taint] : [];
    // Half of the time only the taints may change.
    const before = naive.nodes.get(name)?.metadata?.labels;
    const fresh =
      before !== undefined && random.fraction() < 0.5
        ? node(name, before, { taints })
        : node(name, { ...pick(random, zones), ...out }, { taints });
    naive.nodes.set(name, fresh);
    cache.setNode(fresh);
  } else if (what < 0.3) {
    naive.nodes.delete(name);
    cache.removeNode(name);
  } else if (what < 0.75 || naive.pods.size === 0) {
    const one = on(name, pod(pick(random, labels), {}, { namespace: pick(random, namespaces) }));
    naive.pods.set(one.metadata?.uid ?? "", one);
    cache.setPod(one);
  } else {
    const one = pick(random, [...naive.pods.values()]);
    if (random.fraction() < 0.5) {
      naive.pods.delete(one.metadata?.uid ?? "");
      cache.removePod(one);
      return;
    }
    const changed = random.fraction() < 0.5 ? { deletionTimestamp: "2030-01-01T00:00:00Z" } : {};
    const now = { ...one, metadata: { ...one.metadata, labels: pick(random, labels), ...changed } };
    naive.pods.set(one.metadata?.uid ?? "", now);
    cache.setPod(now);
  }
}

describe("counts that are kept agree with counts that are made", () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`seed ${seed}`, () => {
      const random = seededRandom(seed);
      const cache = new ClusterCache();
      const naive = new Naive();
      for (let step = 0; step < 400; step++) {
        change(random, cache, naive);
        const selector = pick(random, selectors);
        const namespace = pick(random, namespaces);
        const matcher = podsOf(namespace, requirementsOrNone(selector));
        const tally = cache.topology.tally(matcher, zone, notOut);
        const counts = ({ metadata }: Pod): boolean =>
          metadata?.namespace === namespace &&
          metadata.deletionTimestamp === undefined &&
          matchesSelector(selector, metadata.labels);
        for (const state of cache.nodes) {
          const expected = naive.around(state.node, zone, counts);
          expect([step, state.name, tally.podsAround(state)]).toEqual([step, state.name, expected]);
        }
        expect([step, tally.least]).toEqual([step, naive.least(zone, counts)]);
      }
    });
  }
});

describe("terms of placed pods", () => {
  const forbids = (namespaceSelector?: object): Pod =>
    pod(
      { app: "db" },
      {
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              term(
                { app: "web" },
                zone,
                namespaceSelector === undefined ? {} : { namespaceSelector },
              ),
            ],
          },
        },
      },
    );

  it("mean pods that come later, until the last pod that has them is gone", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a", { [zone]: "z" }));
    const [one, other] = [on("a", forbids()), on("a", forbids())];
    cache.setPod(one);
    cache.setPod(other);
    const web = pod({ app: "web" });
    const around = (): readonly number[] =>
      [...cache.topology.termsOn(web)].map(({ tally }) =>
        tally.podsAround(cache.node("a") as NodeState),
      );
    expect(around()).toEqual([2]);
    cache.removePod(one);
    expect(around()).toEqual([1]);
    cache.removePod(other);
    expect(around()).toEqual([]);
  });

  it("follow the labels of namespaces", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a", { [zone]: "z" }));
    cache.setPod(on("a", forbids({ matchLabels: { team: "x" } })));
    const web = pod({ app: "web" }, {}, { namespace: "other" });
    expect(cache.topology.termsOn(web).size).toBe(0);
    cache.setNamespace("other", { team: "x" });
    expect(cache.topology.termsOn(web).size).toBe(1);
    cache.setNamespace("other", {});
    expect(cache.topology.termsOn(web).size).toBe(0);
  });

  it("of which all must match are one count", () => {
    const cache = new ClusterCache();
    cache.setNode(node("a", { [zone]: "z" }));
    cache.setPod(on("a", pod({ app: "web" })));
    cache.setPod(on("a", pod({ app: "web", tier: "x" })));
    const both = matchingTerms([term({ app: "web" }, zone), term({ tier: "x" }, zone)], "default");
    expect(cache.topology.tally(both, zone).total).toBe(1);
  });
});

it("keeps no more counts than it says, and makes forgotten ones again", () => {
  const cache = new ClusterCache();
  cache.setNode(node("a", { [zone]: "z" }));
  cache.setPod(on("a", pod({ app: "web" })));
  const web = podsOf("default", requirementsOrNone({ matchLabels: { app: "web" } }));
  const first = cache.topology.tally(web, zone);
  for (let index = 0; index < 600; index++) {
    cache.topology.tally(podsOf(`ns-${index}`, []), zone);
  }
  const again = cache.topology.tally(web, zone);
  expect(again).not.toBe(first);
  expect(again.total).toBe(1);
});
