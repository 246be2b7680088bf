import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { containerCodec } from "./record-codecs.ts";
import { RecordStore } from "./record-store.ts";
import type { ContainerRecord } from "./records.ts";

const record = (id: string): ContainerRecord => ({
  id,
  sandboxId: "s",
  config: {
    metadata: { name: "web", attempt: 1 },
    envs: [{ key: "A", value: Buffer.from([0xff, 0]) }],
    linux: { resources: { memoryLimitInBytes: 2n ** 60n } },
  },
  imageName: "nginx",
  imageId: "sha256:1",
  imageRef: "sha256:1",
  user: { uid: 0, gid: 0, groups: [] },
  stopSignal: 15,
  logPath: "/log",
  spec: { ociVersion: "1.3.0", process: { cwd: "/" } },
  createdAtMs: 1,
  life: { at: "created" },
});

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "tskube-records-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("RecordStore", () => {
  it("finds what was put before a restart, bytes and large numbers included", async () => {
    const store = await RecordStore.open(folder, containerCodec);
    await store.put(record("aa11"));
    await store.put({ ...record("aa22"), life: { at: "running", pid: 5, startedAtMs: 2 } });
    const again = await RecordStore.open(folder, containerCodec);
    const found = again.get("aa11");
    expect(found?.config.linux?.resources?.memoryLimitInBytes).toBe(2n ** 60n);
    expect([...(found?.config.envs?.[0]?.value ?? [])]).toEqual([0xff, 0]);
    expect(again.get("aa22")?.life).toEqual({ at: "running", pid: 5, startedAtMs: 2 });
  });

  it("finds by a beginning that only one has", async () => {
    const store = await RecordStore.open(folder, containerCodec);
    await store.put(record("aa11"));
    await store.put(record("aa22"));
    expect(store.find("aa1")?.id).toBe("aa11");
    expect(store.find("aa")).toBeUndefined();
    expect(store.find("")).toBeUndefined();
  });

  it("forgets what was made or removed half, and keeps the last whole record", async () => {
    const store = await RecordStore.open(folder, containerCodec);
    await store.put(record("aa11"));
    writeFileSync(join(folder, "aa11", "record.json.new"), "{ half");
    mkdirSync(join(folder, "bb"));
    writeFileSync(join(folder, "bb", "hosts"), "");
    const again = await RecordStore.open(folder, containerCodec);
    expect(again.list().map(({ id }) => id)).toEqual(["aa11"]);
    expect(readdirSync(folder)).toEqual(["aa11"]);
    await again.remove("aa11");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses a record that somebody else has written", async () => {
    mkdirSync(join(folder, "cc"));
    writeFileSync(join(folder, "cc", "record.json"), '{"id":"cc"}');
    await expect(RecordStore.open(folder, containerCodec)).rejects.toThrow("read record");
  });
});
