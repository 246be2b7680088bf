import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Entry } from "./entry.ts";
import { atRevision, isSpliceable, layoutOf, spliceVersion, storedText } from "./entry.ts";
import { type CacheEvent, EventRing } from "./event-ring.ts";
import { type Slot, SortedSlots } from "./sorted-slots.ts";
import { Watcher } from "./watcher.ts";
import { limits } from "../limits.ts";

const layout = layoutOf("Pod", "v1");

const entry = (name: string, revision: number, bytes = 10): Entry => ({
  key: `/registry/pods/default/${name}`,
  namespace: "default",
  name,
  revision,
  labels: {},
  fields: [],
  json: Buffer.alloc(bytes),
  object: undefined,
  encodings: undefined,
});

describe("an entry's bytes", () => {
  const object = { spec: { a: 1 }, metadata: { name: "x", resourceVersion: "3" }, kind: "Pod" };
  const stored = Buffer.from(storedText(object, "Pod", "v1"));

  it("are stored without a resourceVersion, kind first", () => {
    const text = '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"},"spec":{"a":1}}';
    assert.equal(stored.toString(), text);
    assert.ok(isSpliceable(stored, layout));
  });

  it("are sent with it", () => {
    const sent = JSON.parse(spliceVersion(stored, layout, 42).toString()) as typeof object;
    assert.equal(sent.metadata.resourceVersion, "42");
    assert.deepEqual(sent.spec, { a: 1 });
  });

  it("take a resourceVersion where the metadata has nothing else", () => {
    const bare = Buffer.from(storedText({ metadata: {} }, "Pod", "v1"));
    const sent = JSON.parse(spliceVersion(bare, layout, 7).toString()) as typeof object;
    assert.equal(sent.metadata.resourceVersion, "7");
  });

  it("are moved to a later revision", () => {
    const before = { ...entry("x", 99), json: spliceVersion(stored, layout, 99) };
    const later = atRevision(before, layout, 1_000);
    const sent = JSON.parse(later.json.toString()) as typeof object;
    assert.equal(sent.metadata.resourceVersion, "1000");
    assert.deepEqual(sent.spec, { a: 1 });
  });

  it("of another writer are not taken for ours", () => {
    const sorted = Buffer.from('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}');
    assert.ok(!isSpliceable(sorted, layout));
  });
});

describe("slots", () => {
  const slot = (name: string): Slot => ({ key: name, entry: entry(name, 1) });
  const namesOf = (slots: SortedSlots): string => {
    const found: Entry[] = [];
    slots.collect(found);
    return found.map(({ name }) => name).join("");
  };

  it("come out in the order of their keys, whatever came and went", () => {
    const slots = new SortedSlots();
    const all = ["d", "b", "f", "a"].map(slot);
    for (const one of all) slots.add(one);
    assert.equal(namesOf(slots), "abdf");
    for (const one of ["e", "c", "g"].map(slot)) slots.add(one);
    const [first] = all;
    assert.ok(first !== undefined);
    first.entry = undefined;
    slots.noteEmptied();
    assert.equal(slots.size, 6);
    assert.equal(namesOf(slots), "abcefg");
    slots.add(slot("z"));
    assert.equal(namesOf(slots), "abcefgz");
  });
});

describe("the ring of events", () => {
  const event = (revision: number, bytes = 10): CacheEvent => ({
    type: "ADDED",
    revision,
    entry: entry("x", revision, bytes),
    previous: undefined,
    left: undefined,
    frames: undefined,
  });
  const since = (ring: EventRing, revision: number): string | undefined =>
    ring
      .since(revision)
      ?.map((one) => one.revision)
      .join(" ");

  it("gives what came after a revision, and says what it has forgotten", () => {
    const ring = new EventRing(10, { eventsMax: 3, bytesMax: 1_000 });
    for (const revision of [12, 14, 16]) ring.push(event(revision));
    assert.equal(since(ring, 10), "12 14 16");
    assert.equal(since(ring, 13), "14 16");
    assert.equal(since(ring, 16), "");
    assert.equal(since(ring, 9), undefined);
    ring.push(event(18));
    assert.equal(ring.floor, 12);
    assert.equal(since(ring, 12), "14 16 18");
    assert.equal(since(ring, 11), undefined);
  });

  it("is bounded in bytes, but keeps the newest event", () => {
    const ring = new EventRing(0, { eventsMax: 100, bytesMax: 25 });
    for (let revision = 1; revision <= 200; revision++) ring.push(event(revision));
    assert.equal(since(ring, 198), "199 200");
    assert.equal(since(ring, 197), undefined);
    ring.push(event(201, 500));
    assert.equal(since(ring, 200), "201");
  });
});

describe("a watcher", () => {
  const piece = Buffer.from("x");

  it("sends what waits as one chunk", async () => {
    const watcher = new Watcher(false);
    watcher.push(Buffer.from("a"), 1);
    watcher.push(Buffer.from("b"), 1);
    assert.equal(Buffer.from((await watcher.next()).value as Buffer).toString(), "ab");
  });

  it("that lags is ended once what it holds is sent", async () => {
    const watcher = new Watcher(false);
    let isOver = false;
    watcher.onEnd(() => (isOver = true));
    for (let count = 0; count < limits.watchBufferEventsMax; count++) watcher.push(piece, 1);
    assert.ok(!isOver);
    watcher.push(piece, 1);
    assert.ok(isOver);
    const { value } = await watcher.next();
    assert.equal((value as Buffer).length, limits.watchBufferEventsMax);
    assert.equal((await watcher.next()).done, true);
  });
});
