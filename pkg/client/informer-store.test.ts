import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../api/resource.ts";
import { InformerStore } from "./informer-store.ts";

const object = (key: string, version: number, labels: Record<string, string> = {}): KubeObject => {
  const [namespace = "", name = ""] = key.split("/");
  return { metadata: { namespace, name, labels, resourceVersion: String(version) } };
};
const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata?.name);
const byApp = ({ metadata }: KubeObject): readonly string[] =>
  metadata?.labels?.["app"] === undefined ? [] : [metadata.labels["app"]];

describe("InformerStore", () => {
  it("files objects by namespace and index, and refiles what changes", () => {
    const store = new InformerStore();
    store.addIndex("app", byApp);
    store.put(object("a/1", 1, { app: "x" }), "1");
    store.put(object("b/2", 2, { app: "x" }), "2");
    expect(names(store.byIndex("app", "x"))).toEqual(["1", "2"]);
    store.put(object("a/1", 3, { app: "y" }), "3");
    store.remove(object("b/2", 4), "4");
    expect(names(store.byIndex("app", "x"))).toEqual([]);
    expect(names(store.byIndex("app", "y"))).toEqual(["1"]);
    expect(names(store.list("b"))).toEqual([]);
    expect(store.resourceVersion).toBe("4");
    expect(() => store.byIndex("nope", "x")).toThrow(/no index/);
    expect(() => store.addIndex("app", () => [])).toThrow(/declared twice/);
  });

  it("adds an index to what is there already", () => {
    const store = new InformerStore();
    store.put(object("a/1", 1, { app: "x" }), "1");
    store.addIndex("app", byApp);
    expect(names(store.byIndex("app", "x"))).toEqual(["1"]);
  });

  it("tells only what differs when a new list replaces it", () => {
    const store = new InformerStore();
    const told: string[] = [];
    store.replace([object("a/same", 1), object("a/old", 1), object("a/gone", 1)], "1");
    store.onChange((now, before) =>
      told.push(`${before?.metadata?.name ?? "-"} → ${now?.metadata?.name ?? "-"}`),
    );
    store.replace([object("a/same", 1), object("a/old", 5), object("a/new", 6)], "6");
    expect(told).toEqual(["old → old", "- → new", "gone → -"]);
  });
});
