import { describe, expect, it } from "vitest";
import { configMaps } from "../../../api/resources.ts";
import { DependencyGraph, type Item } from "./graph.ts";
import { planDependent, planOwner, type OwnerState } from "./plan.ts";

const item = (uid: string, owners: readonly string[] = [], more: Partial<Item> = {}): Item => ({
  uid,
  ref: configMaps,
  namespace: "default",
  name: uid,
  resourceVersion: "1",
  owners: owners.map((owner) => {
    const [ownerUid = "", blocks] = owner.split("!");
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: ownerUid,
      uid: ownerUid,
      ...(blocks === undefined ? {} : { blockOwnerDeletion: true }),
    };
  }),
  finalizers: [],
  isDeleting: false,
  ...more,
});

describe("planDependent", () => {
  const states: Readonly<Record<string, OwnerState>> = { s: "solid", a: "absent", w: "waiting" };
  const stateOf = (uid: string): OwnerState => states[uid] ?? "solid";
  for (const [title, owners, hasDependents, more, expected] of [
    ["keeps what has no owner", [], false, {}, { do: "keep" }],
    ["keeps what has its owner", ["s"], false, {}, { do: "keep" }],
    ["deletes what lost its owner", ["a"], false, {}, { do: "delete", propagation: "Background" }],
    [
      "drops only the reference while another owner is there",
      ["s", "a", "w"],
      false,
      {},
      { do: "drop-owners", uids: ["a", "w"] },
    ],
    [
      "deletes what its owner waits for",
      ["w"],
      false,
      {},
      { do: "delete", propagation: "Background" },
    ],
    [
      "and lets that wait for its own dependents",
      ["w"],
      true,
      {},
      { do: "delete", propagation: "Foreground" },
    ],
    [
      "keeps the way that a finalizer asks for",
      ["a"],
      false,
      { finalizers: ["orphan"] },
      { do: "delete", propagation: "Orphan" },
    ],
    ["leaves alone what is being deleted", ["a"], false, { isDeleting: true }, { do: "keep" }],
  ] as const)
    it(title, () =>
      expect(planDependent(item("x", owners, more), stateOf, hasDependents)).toEqual(expected),
    );
});

describe("planOwner", () => {
  const foreground = item("x", [], { isDeleting: true, finalizers: ["foregroundDeletion"] });
  const orphaning = item("x", [], { isDeleting: true, finalizers: ["orphan"] });
  const [blocking, free] = [item("b", ["x!"]), item("f", ["x"])];
  for (const [title, owner, dependents, expected] of [
    [
      "waits for those that block it",
      foreground,
      [blocking, free],
      { do: "wait", blocking: [blocking] },
    ],
    [
      "and for no others",
      foreground,
      [free],
      { do: "finish", finalizer: "foregroundDeletion", release: [] },
    ],
    [
      "releases all of them",
      orphaning,
      [blocking, free],
      { do: "finish", finalizer: "orphan", release: [blocking, free] },
    ],
    [
      "does nothing without a finalizer of ours",
      item("x", [], { isDeleting: true }),
      [free],
      { do: "nothing" },
    ],
  ] as const)
    it(title, () =>
      expect(planOwner(owner, (uid) => (uid === owner.uid ? dependents : []))).toEqual(expected),
    );

  const waiting = { isDeleting: true, finalizers: ["foregroundDeletion"] };
  const finish = { do: "finish", finalizer: "foregroundDeletion", release: [] };

  it("does not wait for what waits for it in turn, however far around", () => {
    const circle = new Map([
      ["a", item("a", ["c!"], waiting)],
      ["b", item("b", ["a!"], waiting)],
      ["c", item("c", ["b!"], waiting)],
    ]);
    const dependentsOf = (uid: string): readonly Item[] =>
      [...circle.values()].filter(({ owners }) => owners.some((owner) => owner.uid === uid));
    for (const one of circle.values()) expect(planOwner(one, dependentsOf)).toEqual(finish);
  });

  it("waits beside a circle that it is no part of", () => {
    const [a, b] = [item("a", ["x!", "b!"], waiting), item("b", ["a!"], waiting)];
    const dependents: Readonly<Record<string, readonly Item[]>> = { x: [a], a: [b], b: [a] };
    const planned = planOwner(foreground, (uid) => dependents[uid] ?? []);
    expect(planned).toEqual({ do: "wait", blocking: [a] });
  });
});

describe("DependencyGraph", () => {
  it("follows references as they come and go, also before their owner is known", () => {
    const graph = new DependencyGraph();
    graph.put(item("child", ["parent"]));
    expect(graph.dependentsOf("parent").map(({ uid }) => uid)).toEqual(["child"]);
    graph.put(item("child", ["other"]));
    expect(graph.dependentsOf("parent")).toEqual([]);
    graph.remove("child");
    expect(graph.dependentsOf("other")).toEqual([]);
    expect(graph.get("child")).toBeUndefined();
  });
});
