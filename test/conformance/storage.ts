/**
 * The Storage contract as tests, run on memory, SQLite and a real etcd alike. What one of them
 * surprises with becomes a case here, and then the others must show it too.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type Storage,
  StorageError,
  type StorageEvent,
  type StorageEvents,
  type StorageReason,
} from "../../pkg/storage/storage.ts";

export interface StorageConformanceOptions {
  /** A store that may hold other keys already; each test keeps to a prefix of its own. */
  readonly open: () => Promise<Storage>;
  /** Lets so many seconds pass for what expires: real ones, or the simulated clock's. */
  readonly pass: (seconds: number) => Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value);

/** One line an event, to compare with: "put /a=2". */
const line = (event: StorageEvent): string =>
  event.type === "put"
    ? `${event.created ? "create" : "put"} ${event.key}=${text(event.value)}`
    : `delete ${event.key}`;

const reasonOf = (promise: Promise<unknown>): Promise<StorageReason | "none"> =>
  promise.then(
    () => "none" as const,
    (error: unknown) => {
      if (error instanceof StorageError) return error.reason;
      throw error;
    },
  );

/** Reads batches until the store has told everything up to `revision`. */
async function eventsUpTo(
  batches: AsyncIterator<StorageEvents>,
  revision: number,
): Promise<StorageEvent[]> {
  const events: StorageEvent[] = [];
  for (;;) {
    const { value, done } = await batches.next();
    if (done === true) throw new Error(`the watch ended before revision ${revision}`);
    events.push(...value.events);
    if (value.revision >= revision) return events;
  }
}

let prefixes = 0;

export function storageConformance(name: string, options: StorageConformanceOptions): void {
  describe(`${name} keeps the Storage contract`, () => {
    let storage: Storage;
    let prefix: string;
    let stop: AbortController;
    const watch = (after: number, under = prefix): AsyncIterator<StorageEvents> =>
      storage.watch(under, after, stop.signal)[Symbol.asyncIterator]();
    const fill = async (names: readonly string[]): Promise<number> => {
      let revision = 0;
      for (const each of names) revision = await storage.put(prefix + each, bytes(each), 0);
      return revision;
    };

    beforeEach(async () => {
      prefix = `/registry/test-${++prefixes}/`;
      stop = new AbortController();
      storage = await options.open();
    });
    afterEach(async () => {
      stop.abort();
      await storage.close();
    });

    describe("writes", () => {
      it("creates, reads, replaces and deletes, each at a greater revision", async () => {
        const key = `${prefix}a`;
        const created = await storage.put(key, bytes("1"), 0);
        const replaced = await storage.put(key, bytes("2"), created);
        expect(replaced).toBeGreaterThan(created);
        const { item, revision } = await storage.get(key);
        expect(item).toEqual({ key, value: bytes("2"), revision: replaced });
        expect(revision).toBeGreaterThanOrEqual(replaced);
        const deleted = await storage.delete(key, replaced);
        expect(deleted).toBeGreaterThan(replaced);
        expect((await storage.get(key)).item).toBeUndefined();
        expect((await storage.get(key)).revision).toBeGreaterThanOrEqual(deleted);
      });

      it("keeps every byte, zero and the empty value included", async () => {
        const all = Uint8Array.from({ length: 256 }, (_, index) => index);
        await storage.put(`${prefix}all`, all, 0);
        await storage.put(`${prefix}none`, new Uint8Array(), 0);
        expect((await storage.get(`${prefix}all`)).item?.value).toEqual(all);
        expect((await storage.get(`${prefix}none`)).item?.value).toEqual(new Uint8Array());
      });

      for (const [title, expected, there] of [
        ["a create of a key that exists", "absent", true],
        ["a put whose expected revision is stale", "stale", true],
        ["a put of a key that is absent", "stale", false],
      ] as const) {
        it(`refuses ${title}, and says what is there`, async () => {
          const key = `${prefix}a`;
          const first = await storage.put(key, bytes("1"), 0);
          const second = await storage.put(key, bytes("2"), first);
          if (!there) await storage.delete(key, second);
          const put = storage.put(key, bytes("3"), expected === "absent" ? 0 : first);
          const error = await put.then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          expect(error).toBeInstanceOf(StorageError);
          expect(error).toMatchObject({ reason: "Conflict" });
          const current = there ? { key, value: bytes("2"), revision: second } : undefined;
          expect((error as StorageError).current).toEqual(current);
        });
      }

      it("refuses a delete that is stale or of an absent key", async () => {
        const key = `${prefix}a`;
        const first = await storage.put(key, bytes("1"), 0);
        const second = await storage.put(key, bytes("2"), first);
        await expect(storage.delete(key, first)).rejects.toMatchObject({
          reason: "Conflict",
          current: { revision: second, value: bytes("2") },
        });
        expect(await reasonOf(storage.delete(`${prefix}b`, first))).toBe("Conflict");
      });

      it("lets one of many concurrent writers win", async () => {
        const key = `${prefix}a`;
        const first = await storage.put(key, bytes("0"), 0);
        const writers = Array.from({ length: 20 }, (_, index) =>
          reasonOf(storage.put(key, bytes(String(index)), first)),
        );
        const outcomes = await Promise.all(writers);
        expect(outcomes.filter((outcome) => outcome === "none")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === "Conflict")).toHaveLength(19);
      });

      it("takes values of more than a megabyte, and refuses those above the limit", async () => {
        const large = new Uint8Array(1.25 * 1024 * 1024).fill(7);
        await storage.put(`${prefix}large`, large, 0);
        expect((await storage.get(`${prefix}large`)).item?.value).toEqual(large);
        const tooLarge = new Uint8Array(1.5 * 1024 * 1024 + 1);
        expect(await reasonOf(storage.put(`${prefix}too-large`, tooLarge, 0))).toBe("TooLarge");
      });

      it("rejects at once when its signal has aborted", async () => {
        stop.abort(new Error("the caller left"));
        const put = storage.put(`${prefix}a`, bytes("1"), 0, {}, stop.signal);
        await expect(put).rejects.toThrow("the caller left");
        expect((await storage.get(`${prefix}a`)).item).toBeUndefined();
      });

      it("lets go of a write whose signal aborts, and of no other beside it", async () => {
        const abort = new AbortController();
        const outcome = async (index: number): Promise<boolean> => {
          const signal = index % 2 === 0 ? abort.signal : undefined;
          const put = storage.put(`${prefix}${index}`, bytes(String(index)), 0, {}, signal);
          return put.then(
            () => true,
            (error: unknown) => {
              expect(error).toBe(abort.signal.reason);
              return false;
            },
          );
        };
        const writes = Array.from({ length: 20 }, (_, index) => outcome(index));
        await Promise.resolve();
        abort.abort(new Error("the caller left"));
        const done = await Promise.all(writes);
        expect(done.filter((_, index) => index % 2 === 1)).not.toContain(false);
        // A write whose caller has left may have been done all the same.
        const { items } = await storage.list({ prefix });
        const there = new Set(items.map(({ key }) => key));
        for (const [index, isDone] of done.entries())
          if (isDone) expect(there).toContain(`${prefix}${index}`);
      });

      it("judges each of many writes at once by itself", async () => {
        const taken = await fill(["1", "3", "5", "7"]);
        const writes = Array.from({ length: 10 }, (_, index) =>
          reasonOf(storage.put(`${prefix}${index}`, bytes("new"), 0)),
        );
        const outcomes = await Promise.all(writes);
        const expected = outcomes.map((_, index) =>
          [1, 3, 5, 7].includes(index) ? "Conflict" : "none",
        );
        expect(outcomes).toEqual(expected);
        const { items } = await storage.list({ prefix });
        const written = items.filter(({ revision }) => revision > taken);
        expect(written.map(({ key }) => key.at(-1)).join("")).toBe("024689");
        expect(new Set(written.map(({ revision }) => revision)).size).toBe(6);
      });

      it("tells a revision that no earlier write exceeds", async () => {
        const before = await storage.revision();
        const written = await storage.put(`${prefix}a`, bytes("1"), 0);
        expect(written).toBeGreaterThan(before);
        expect(await storage.revision()).toBeGreaterThanOrEqual(written);
      });
    });

    describe("lists", () => {
      it("gives keys under the prefix only, in byte order", async () => {
        const sorted = ["a", "a/b", "a0", "b", "z", "é", "\u{ffee}", "\u{1f600}"];
        await storage.put(`${prefix.slice(0, -1)}0`, bytes("beside"), 0);
        await fill([...sorted].reverse());
        const { items, remaining } = await storage.list({ prefix });
        expect(items.map(({ key }) => key)).toEqual(sorted.map((each) => prefix + each));
        expect(items.map(({ value }) => text(value))).toEqual(sorted);
        expect(remaining).toBe(0);
      });

      it("gives an empty page with its revision where nothing is", async () => {
        const written = await storage.put(`${prefix.slice(0, -1)}0`, bytes("beside"), 0);
        const page = await storage.list({ prefix });
        expect(page).toMatchObject({ items: [], remaining: 0 });
        expect(page.revision).toBeGreaterThanOrEqual(written);
      });

      it("gives pages, with what remains, at the first page's revision", async () => {
        await fill(["a", "b", "c", "d", "e"]);
        const first = await storage.list({ prefix, limit: 2 });
        expect(first.items.map(({ value }) => text(value))).toEqual(["a", "b"]);
        expect(first.remaining).toBe(3);

        // What happens between two pages must not be seen: all three kinds of change.
        const c = first.revision;
        const item = (await storage.get(`${prefix}c`)).item;
        await storage.put(`${prefix}c`, bytes("changed"), item?.revision ?? 0);
        await storage.put(`${prefix}bb`, bytes("new"), 0);
        await storage.delete(`${prefix}d`, (await storage.get(`${prefix}d`)).item?.revision ?? 0);

        const after = `${prefix}b`;
        const second = await storage.list({ prefix, limit: 2, after, revision: c });
        expect(second.items.map(({ value }) => text(value))).toEqual(["c", "d"]);
        expect(second).toMatchObject({ remaining: 1, revision: c });
        const third = await storage.list({ prefix, limit: 2, after: `${prefix}d`, revision: c });
        expect(third.items.map(({ value }) => text(value))).toEqual(["e"]);
        expect(third.remaining).toBe(0);
        const now = await storage.list({ prefix, after });
        expect(now.items.map(({ value }) => text(value))).toEqual(["new", "changed", "e"]);
      });

      it("gives an earlier state, with keys deleted and written many times since", async () => {
        const a = await storage.put(`${prefix}a`, bytes("1"), 0);
        const then = await storage.put(`${prefix}b`, bytes("1"), 0);
        const a2 = await storage.put(`${prefix}a`, bytes("2"), a);
        const a3 = await storage.put(`${prefix}a`, bytes("3"), a2);
        await storage.delete(`${prefix}a`, a3);
        await storage.delete(`${prefix}b`, then);
        await storage.put(`${prefix}b`, bytes("again"), 0);
        const page = await storage.list({ prefix, revision: then });
        expect(page.items.map(({ key, revision }) => [key, revision])).toEqual([
          [`${prefix}a`, a],
          [`${prefix}b`, then],
        ]);
      });

      it("gives more than five thousand keys in one list", async () => {
        const names = Array.from({ length: 5_100 }, (_, index) => String(index).padStart(5, "0"));
        const value = bytes("x".repeat(1_000));
        await Promise.all(names.map((each) => storage.put(prefix + each, value, 0)));
        const { items, remaining } = await storage.list({ prefix });
        expect(items.map(({ key }) => key)).toEqual(names.map((each) => prefix + each));
        expect(remaining).toBe(0);
        expect((await storage.list({ prefix, limit: 100 })).remaining).toBe(5_000);
      });
    });

    describe("compaction", () => {
      it("fails lists and watches of what is forgotten, and keeps the present", async () => {
        const first = await storage.put(`${prefix}a`, bytes("1"), 0);
        const second = await storage.put(`${prefix}a`, bytes("2"), first);
        await storage.put(`${prefix}b`, bytes("1"), 0);
        const now = await storage.revision();
        await storage.compact(now);
        expect(await reasonOf(storage.list({ prefix, revision: second }))).toBe("Compacted");
        expect(await reasonOf(watch(first).next())).toBe("Compacted");
        const { items } = await storage.list({ prefix });
        expect(items.map(({ value }) => text(value))).toEqual(["2", "1"]);
        expect((await storage.list({ prefix, revision: now })).items).toHaveLength(2);
      });

      it("still tells what came after", async () => {
        const first = await storage.put(`${prefix}a`, bytes("1"), 0);
        const gone = await storage.put(`${prefix}gone`, bytes("1"), 0);
        await storage.delete(`${prefix}gone`, gone);
        const kept = await storage.put(`${prefix}a`, bytes("2"), first);
        await storage.compact(kept);
        const last = await storage.put(`${prefix}a`, bytes("3"), kept);
        const events = await eventsUpTo(watch(kept), last);
        expect(events.map(line)).toEqual([`put ${prefix}a=3`]);
        const page = await storage.list({ prefix, revision: kept });
        expect(page.items.map(({ value }) => text(value))).toEqual(["2"]);
      });

      it("may be asked twice, or for less than before", async () => {
        const first = await storage.put(`${prefix}a`, bytes("1"), 0);
        const second = await storage.put(`${prefix}a`, bytes("2"), first);
        await storage.compact(second);
        await storage.compact(second);
        await storage.compact(first);
        expect(await reasonOf(storage.list({ prefix, revision: first }))).toBe("Compacted");
      });
    });

    describe("watches", () => {
      it("tell the past from a revision on, then the present", async () => {
        const key = `${prefix}a`;
        const before = await storage.put(`${prefix}older`, bytes("0"), 0);
        const one = await storage.put(key, bytes("1"), 0);
        const two = await storage.put(key, bytes("2"), one);
        const batches = watch(before);
        expect((await eventsUpTo(batches, two)).map(line)).toEqual([
          `create ${key}=1`,
          `put ${key}=2`,
        ]);
        const three = await storage.delete(key, two);
        const four = await storage.put(key, bytes("3"), 0);
        const events = await eventsUpTo(batches, four);
        expect(events.map(line)).toEqual([`delete ${key}`, `create ${key}=3`]);
        expect(events.map(({ revision }) => revision)).toEqual([three, four]);
      });

      it("tell nothing of other prefixes, but that their revisions have passed", async () => {
        const other = `${prefix.slice(0, -1)}-other/`;
        const batches = watch(await storage.revision());
        const mine = await storage.put(`${prefix}a`, bytes("1"), 0);
        const written = await storage.put(`${other}a`, bytes("1"), 0);
        expect(await storage.revision()).toBeGreaterThanOrEqual(written);
        const events = await eventsUpTo(batches, written);
        expect(events.map(({ revision }) => revision)).toEqual([mine]);
      });

      it("have no gap and no disorder under concurrent writers", async () => {
        const start = await storage.revision();
        const watchers = [watch(start), watch(start), watch(start, `${prefix}1/`)];
        const writer = async (index: number): Promise<readonly string[]> => {
          const written: string[] = [];
          const key = `${prefix}${index % 2}/${index}`;
          let revision = 0;
          for (let round = 0; round < 25; round++) {
            revision = await storage.put(key, bytes(`${index}.${round}`), revision);
            written.push(`${revision} ${index}.${round}`);
          }
          return written;
        };
        const written = await Promise.all(Array.from({ length: 8 }, (_, index) => writer(index)));
        const end = await storage.revision();
        const all = written.flat().sort((a, b) => Number.parseInt(a) - Number.parseInt(b));
        const odd = all.filter((each) => Number.parseInt(each.split(" ")[1] ?? "") % 2 === 1);
        for (const [index, batches] of watchers.entries()) {
          const events = await eventsUpTo(batches, end);
          const told = events.map((event) =>
            event.type === "put" ? `${event.revision} ${text(event.value)}` : "delete",
          );
          expect(told).toEqual(index === 2 ? odd : all);
        }
      });

      it("tell a reader that was slow everything, once it reads on", async () => {
        const start = await storage.revision();
        const batches = watch(start);
        const first = await storage.put(`${prefix}a`, bytes("0"), 0);
        await eventsUpTo(batches, first);
        const writes = Array.from({ length: 2_500 }, (_, index) =>
          storage.put(`${prefix}${index}`, bytes(String(index)), 0),
        );
        const last = Math.max(...(await Promise.all(writes)));
        const events = await eventsUpTo(batches, last);
        expect(new Set(events.map(({ key }) => key)).size).toBe(2_500);
        const revisions = events.map(({ revision }) => revision);
        expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
      });

      it("end with their signal, waiting or not", async () => {
        const batches = watch(await storage.revision());
        const waiting = batches.next();
        stop.abort();
        expect(await waiting).toMatchObject({ done: true });
        expect(await watch(0).next()).toMatchObject({ done: true });
      });

      it("fail when the store is closed under them", async () => {
        const waiting = watch(await storage.revision()).next();
        const outcome = reasonOf(waiting);
        await storage.close();
        expect(await outcome).toBe("Unavailable");
      });
    });

    describe("time to live", () => {
      it("deletes the key by itself, as an event like any other", async () => {
        const key = `${prefix}a`;
        const written = await storage.put(key, bytes("1"), 0, { timeToLiveSeconds: 2 });
        const batches = watch(written);
        const expired = batches.next();
        await options.pass(2);
        let { value } = await expired;
        while (value?.events.length === 0) ({ value } = await batches.next());
        expect(value?.events.map(line)).toEqual([`delete ${key}`]);
        expect((await storage.get(key)).item).toBeUndefined();
      });

      it("is forgotten by a later write without one", async () => {
        const key = `${prefix}a`;
        const written = await storage.put(key, bytes("1"), 0, { timeToLiveSeconds: 2 });
        await storage.put(key, bytes("2"), written);
        const mark = await storage.put(`${prefix}mark`, bytes(""), 0, { timeToLiveSeconds: 2 });
        const gone = (async () => {
          for await (const { events } of storage.watch(prefix, mark, stop.signal))
            if (events.length > 0) return events.map(line);
          return [];
        })();
        await options.pass(2);
        expect(await gone).toEqual([`delete ${prefix}mark`]);
        expect(text((await storage.get(key)).item?.value)).toBe("2");
      });
    });
  });
}
