import { describe, expect, it } from "vitest";
import type { Pod } from "../../api/core/v1.ts";
import type { KubeObject, ResourceRef } from "../../api/resource.ts";
import { formatRequirements } from "../machinery/label-selector.ts";
import { InformerStore, keyOf } from "../client/informer-store.ts";
import { DefaultSelectors } from "./default-selectors.ts";
import type { ServedInformers } from "./served-informers.ts";
import { inTurnsByZone } from "./zone-turns.ts";
import { cacheOf, node, pod, zone } from "./testing/small-cluster.ts";

/** Stores that stand for informers of a server without StatefulSets. */
function served() {
  const stores = new Map<string, InformerStore<KubeObject>>();
  const get = ({ plural }: ResourceRef): unknown => {
    if (plural === "statefulsets") return undefined;
    const store = stores.get(plural) ?? new InformerStore();
    stores.set(plural, store);
    return store;
  };
  const put = (plural: string, object: object): void =>
    stores.get(plural)?.put(object as KubeObject, "1");
  return { informers: { get, synced: Promise.resolve() } as unknown as ServedInformers, put };
}

const labels = { app: "web", tier: "front" };
const ownedBy = (apiVersion: string, kind: string): Pod => {
  const one = pod(labels);
  const owner = { apiVersion, kind, name: "o", uid: "u", controller: true };
  return { ...one, metadata: { ...one.metadata, ownerReferences: [owner] } };
};
const meta = (name: string): object => ({ name, namespace: "default" });

describe("what a pod is selected by", () => {
  const { informers, put } = served();
  const selectors = new DefaultSelectors(informers);
  const of = (one: Pod): string => formatRequirements(selectors.of(one));
  it("is nothing where nobody selects it", () => {
    expect(of(pod(labels))).toBe("");
    expect(of(ownedBy("apps/v1", "ReplicaSet"))).toBe("");
    expect(of(ownedBy("apps/v1", "StatefulSet"))).toBe("");
    expect(of(ownedBy("example.org/v1", "Thing"))).toBe("");
  });
  it("is its owner's selector, and the Services' together", () => {
    const matchExpressions = [{ key: "tier", operator: "Exists" }];
    const spec = { selector: { matchLabels: { app: "web" }, matchExpressions } };
    put("replicasets", { metadata: meta("o"), spec });
    put("replicationcontrollers", { metadata: meta("o"), spec: { selector: { app: "web" } } });
    expect(of(ownedBy("apps/v1", "ReplicaSet"))).toBe("app=web,tier");
    expect(of(ownedBy("v1", "ReplicationController"))).toBe("app=web");
    put("services", { metadata: meta("s"), spec: { selector: { tier: "front" } } });
    put("services", { metadata: meta("other"), spec: { selector: { tier: "back" } } });
    put("services", { metadata: meta("none"), spec: {} });
    expect(of(pod(labels))).toBe("tier=front");
    expect(of(ownedBy("v1", "ReplicationController"))).toBe("tier=front,app=web");
  });
  it("keys are those of informers", () => {
    expect(keyOf({ metadata: meta("o") } as KubeObject)).toBe("default/o");
  });
});

it("zones take turns in the order of nodes", () => {
  const nodes = ["a1", "a2", "a3", "b1", "none"].map((name) =>
    node(name, name === "none" ? {} : { [zone]: name[0] ?? "" }),
  );
  const states = cacheOf({ nodes }).nodes;
  expect(states.map(({ name }) => name)).toEqual(["a1", "b1", "none", "a2", "a3"]);
  expect(inTurnsByZone(states.slice(0, 1))).toHaveLength(1);
});
