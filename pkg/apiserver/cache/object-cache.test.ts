import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { limits } from "../limits.ts";
import { configMaps } from "../kinds/config-map.ts";
import { everythingIn, selectionOf } from "../store/selection.ts";
import type { Entry } from "./entry.ts";
import { EntryCodec } from "./entry-codec.ts";
import { ObjectCache } from "./object-cache.ts";

const fail = (): never => assert.fail("nothing here is foreign or broken");

/** A cache, and writes to it that make a list of everything as naive as can be. */
function someCache() {
  const codec = new EntryCodec(configMaps, fail, fail);
  const cache = new ObjectCache(codec);
  cache.reset([], 1);
  let revision = 1;
  const write = (namespace: string, name: string, labels?: Record<string, string>): void => {
    revision++;
    writeNow(namespace, name, labels);
  };
  /** At the same revision as the last one. */
  const writeNow = (namespace: string, name: string, labels?: Record<string, string>): void => {
    const key = codec.keyOf(namespace, name);
    if (labels === undefined) return cache.apply({ type: "delete", key, revision });
    const { value } = codec.prepare(key, { metadata: { name, namespace, labels } });
    cache.apply({ type: "put", key, value, revision, created: cache.get(key) === undefined });
  };
  const list = (namespace: string, labelSelector: string): readonly Entry[] =>
    cache.select(selectionOf(codec, { namespace, name: "", labelSelector, fieldSelector: "" }));
  /** As after a watch that broke: the same objects, loaded anew. */
  const reload = (): void => {
    const items = cache.select(everythingIn("")).map(({ key, name, namespace, labels }) => {
      const { value } = codec.prepare(key, { metadata: { name, namespace, labels } });
      return { key, value, revision };
    });
    cache.reset(items, revision);
  };
  return { write, writeNow, list, reload };
}

describe("a cache", () => {
  it("forgets all that went with one revision, as what a lease held does, be it ever so much", () => {
    const { write, writeNow, list } = someCache();
    const names = Array.from({ length: limits.ringEventsMax + 10 }, (_, index) => `c${index}`);
    for (const name of names) write("ns", name, {});
    write("ns", "last", {});
    for (const name of names) writeNow("ns", name);
    assert.deepEqual(
      list("", "").map(({ name }) => name),
      ["last"],
    );
  });
});

describe("a selection by labels", () => {
  it("is what a look at every object gives, in the order of keys, whatever happened before", () => {
    const random = seededRandom(7);
    const pick = (count: number): number => Math.floor(random.fraction() * count);
    const { write, list, reload } = someCache();
    const selectors = ["app=a1", "app in (a1,a2)", "app=a1,tier=t2", "app!=a1", "tier=t1,!app"];
    const wants: ((labels: Entry["labels"]) => boolean)[] = [
      ({ app }) => app === "a1",
      ({ app }) => app === "a1" || app === "a2",
      ({ app, tier }) => app === "a1" && tier === "t2",
      ({ app }) => app !== "a1",
      ({ app, tier }) => tier === "t1" && app === undefined,
    ];
    for (let round = 0; round < limits.indexedObjectsMin * 30; round++) {
      const labels = { ...(pick(4) > 0 && { app: `a${pick(5)}` }), tier: `t${pick(3)}` };
      write(
        `ns${pick(2)}${"-x".repeat(pick(2))}`,
        `c${pick(200)}`,
        pick(4) > 0 ? labels : undefined,
      );
      if (round % 50 > 0) continue;
      if (pick(5) === 0) reload();
      for (const namespace of ["", "ns0", "ns1-x"]) {
        const all = list(namespace, "");
        for (const [index, selector] of selectors.entries()) {
          const wanted = all.filter((entry) => wants[index]?.(entry.labels) === true);
          assert.deepEqual(list(namespace, selector), wanted, `${selector} in ${namespace}`);
        }
      }
    }
  });
});
