import { expect, it } from "vitest";
import { CriEvents } from "./events.ts";
import type { ContainerRecord } from "./records.ts";
import { Serial } from "./serial.ts";

it("does one thing at a time for a key, in order, whatever fails", async () => {
  const serial = new Serial();
  const done: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = serial.run("a", async () => {
    await gate.promise;
    done.push("first");
    throw new Error("first failed");
  });
  const second = serial.run("a", async () => void done.push("second"));
  await serial.run("b", async () => void done.push("other"));
  expect(done).toEqual(["other"]);
  gate.resolve();
  await expect(first).rejects.toThrow("first failed");
  await second;
  expect(done).toEqual(["other", "first", "second"]);
});

const record = (id: string) => ({ id }) as ContainerRecord;

it("tells events to each listener, and ends one that does not read", async () => {
  const events = new CriEvents();
  const quick = events.listen();
  const first = quick.next();
  const lazy = events.listen();
  const begun = lazy.next();
  events.emit("created", record("a"));
  expect((await first).value).toMatchObject({ happening: "created", record: { id: "a" } });
  expect((await begun).value).toMatchObject({ happening: "created" });
  for (let count = 0; count < 1_001; count++) events.emit("started", record("b"));
  let seen = 0;
  for await (const _event of lazy) seen++;
  expect(seen).toBe(1_000);
});

it("ends with its caller", async () => {
  const events = new CriEvents();
  const gone = new AbortController();
  const listening = events.listen(gone.signal).next();
  gone.abort();
  expect((await listening).done).toBe(true);
});
