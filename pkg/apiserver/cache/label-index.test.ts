import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { limits } from "../limits.ts";
import type { Labels } from "./entry.ts";
import { LabelIndex } from "./label-index.ts";
import type { Slot } from "./sorted-slots.ts";

const slotOf = (name: string, labels: Labels): Slot => ({
  key: name,
  entry: {
    key: name,
    namespace: "",
    name,
    revision: 1,
    labels,
    fields: [],
    json: Buffer.alloc(0),
    object: undefined,
    encodings: undefined,
  },
});

/** The names of what an index offers, and how often it read everything for that. */
function ask(index: LabelIndex, slots: readonly Slot[], text: string): [string, number] {
  let reads = 0;
  const equalities = text.split(",").map((one) => {
    const [key = "", values = ""] = one.split("=");
    return { key, values: values.split("|") };
  });
  const sets = index.candidates(equalities, () => {
    reads++;
    return slots;
  });
  return [sets.flatMap((set) => [...set].map(({ key }) => key)).join(" "), reads];
}

describe("the label index", () => {
  const slots = [
    slotOf("a", { app: "web", tier: "front" }),
    slotOf("b", { app: "web", tier: "back" }),
    slotOf("c", { app: "api", tier: "back" }),
    slotOf("d", {}),
  ];

  it("offers what has one of the values, of the rarest label", () => {
    const index = new LabelIndex();
    assert.deepEqual(ask(index, slots, "app=web"), ["a b", 1]);
    assert.deepEqual(ask(index, slots, "app=web|api"), ["a b c", 0]);
    assert.deepEqual(ask(index, slots, "app=none"), ["", 0]);
    assert.deepEqual(ask(index, slots, "app=web,tier=front"), ["a", 1]);
    assert.deepEqual(ask(index, slots, "tier=back,app=api"), ["c", 0]);
  });

  it("follows what comes, changes and goes", () => {
    const index = new LabelIndex();
    ask(index, slots, "app=web");
    const [a, b] = slots;
    const late = slotOf("e", { app: "web" });
    assert.ok(a !== undefined && b !== undefined);
    index.move(late, undefined, { app: "web" });
    index.move(a, a.entry?.labels, { app: "api" });
    index.move(b, b.entry?.labels, undefined);
    assert.deepEqual(ask(index, slots, "app=web"), ["e", 0]);
    assert.deepEqual(ask(index, slots, "app=api"), ["c a", 0]);
    index.clear();
    assert.deepEqual(ask(index, slots, "app=api"), ["c", 1]);
  });

  it("keeps the labels that were asked for last, and no more than its bound", () => {
    const index = new LabelIndex();
    for (let count = 0; count < limits.indexedLabelsMax; count++) ask(index, slots, `l${count}=x`);
    assert.equal(ask(index, slots, "l0=x")[1], 0);
    assert.equal(ask(index, slots, "app=web")[1], 1);
    assert.equal(ask(index, slots, "l0=x")[1], 0);
    assert.equal(ask(index, slots, "l1=x")[1], 1);
  });
});
