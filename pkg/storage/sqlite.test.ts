import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { storageConformance } from "../../test/conformance/storage.ts";
import { systemClock } from "../base/system-clock.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { SqliteStorage } from "./sqlite.ts";

const folder = mkdtempSync(join(tmpdir(), "tskube-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => join(folder, `${++files}.db`);
const clock = new SimulatedClock();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

storageConformance("SqliteStorage", {
  open: async () => new SqliteStorage({ path: newPath(), clock }),
  pass: (seconds) => clock.advance((seconds + 1) * 1000),
});

describe("SqliteStorage", () => {
  it("has every acknowledged write after its process was killed", async () => {
    const path = newPath();
    const writer = spawn(process.execPath, [join(import.meta.dirname, "testing/writer.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const acknowledged: (readonly [key: string, revision: number])[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      const [key = "", revision = ""] = line.split(" ");
      acknowledged.push([key, Number(revision)]);
      if (acknowledged.length === 500) writer.kill("SIGKILL");
    }
    const storage = new SqliteStorage({ path, clock: systemClock });
    expect(acknowledged.length).toBeGreaterThanOrEqual(500);
    for (const [key, revision] of acknowledged)
      expect((await storage.get(key)).item).toMatchObject({ key, revision });
    expect(await storage.revision()).toBeGreaterThanOrEqual(acknowledged.at(-1)?.[1] ?? 0);
    await storage.close();
  });

  it("goes on where it was: revisions, history, compaction, what expires", async () => {
    const path = newPath();
    const first = new SqliteStorage({ path, clock });
    const a = await first.put("/a", bytes("1"), 0);
    const b = await first.put("/b", bytes("1"), 0, { timeToLiveSeconds: 5 });
    const c = await first.put("/a", bytes("2"), a);
    await first.compact(b);
    await first.close();

    const second = new SqliteStorage({ path, clock });
    expect(await second.revision()).toBe(c);
    await expect(second.list({ prefix: "/", revision: a })).rejects.toMatchObject({
      reason: "Compacted",
    });
    for await (const { events } of second.watch("/", b, new AbortController().signal)) {
      expect(events).toMatchObject([{ key: "/a", revision: c, value: bytes("2") }]);
      break;
    }
    await clock.advance(7_000);
    expect((await second.list({ prefix: "/" })).items.map(({ key }) => key)).toEqual(["/a"]);
    await second.close();
  });

  it("refuses a file that another process has", async () => {
    const path = newPath();
    const first = new SqliteStorage({ path, clock });
    expect(() => new SqliteStorage({ path, clock })).toThrow(
      expect.objectContaining({ reason: "Unavailable" }),
    );
    await first.close();
  });

  it("tells a reader that the log has moved past from its history", async () => {
    const storage = new SqliteStorage({ path: ":memory:", clock });
    const stop = new AbortController();
    const start = await storage.revision();
    const count = 12_000; // more than the log keeps
    const writes = Array.from({ length: count }, (_, index) =>
      storage.put(`/${index % 2}/${index}`, bytes(String(index)), 0),
    );
    const last = Math.max(...(await Promise.all(writes)));
    let told = 0;
    for await (const { events, revision } of storage.watch("/1/", start, stop.signal)) {
      told += events.length;
      if (revision >= last) break;
    }
    expect(told).toBe(count / 2);
    await storage.close();
  });

  // 1,500 times fsync: a busy disk takes its time.
  it("removes from the file what compaction forgot", async () => {
    const path = newPath();
    const storage = new SqliteStorage({ path, clock });
    let revision = await storage.put("/gone", bytes("1"), 0);
    await storage.delete("/gone", revision);
    revision = 0;
    for (let round = 0; round < 1_500; round++)
      revision = await storage.put("/a", bytes(String(round)), revision);
    await storage.compact(revision - 1);
    await storage.close();

    const database = new DatabaseSync(path);
    const rows = database.prepare("SELECT revision FROM entries ORDER BY revision").all();
    expect(rows).toEqual([revision - 1, revision].map((each) => ({ revision: each })));
    database.close();
  }, 30_000);
});
