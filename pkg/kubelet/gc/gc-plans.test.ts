import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import { planContainerGc } from "./container-gc-plan.ts";
import { planImageGc } from "./image-gc-plan.ts";
import { rotateLog } from "./log-rotation.ts";

const nowMs = 10_000_000;
const container = (id: string, name: string, ageMs: number, sandboxId = "new") =>
  ({ id, name, sandboxId, phase: "exited", finishedAtMs: nowMs - ageMs }) as RuntimeContainer;

const pod = (containers: readonly RuntimeContainer[]): RuntimePod => ({
  uid: "u",
  namespace: "d",
  name: "p",
  sandboxes: [
    { id: "new", isReady: true, attempt: 1, createdAtMs: 2, ips: [] },
    { id: "old", isReady: false, attempt: 0, createdAtMs: 1, ips: [] },
  ],
  containers,
});

describe("dead containers", () => {
  it("go but for the newest and the one before, and with them empty sandboxes", () => {
    const four = [0, 1, 2, 3].map((age) => container(`web${age}`, "web", 100_000 * (age + 1)));
    assert.deepEqual(planContainerGc(pod(four), "Running", nowMs), {
      containers: ["web2", "web3"],
      sandboxes: ["old"],
    });
  });

  it("stay while fresh, and keep their sandbox", () => {
    const fresh = [0, 1, 2].map((age) => container(`web${age}`, "web", age, "old"));
    assert.deepEqual(planContainerGc(pod(fresh), "Running", nowMs), {
      containers: [],
      sandboxes: [],
    });
  });
});

describe("images", () => {
  const image = (id: string, usedAgoMs: number, more = {}) => ({
    id,
    bytes: 10,
    pinned: false,
    usedAtMs: nowMs - usedAgoMs,
    inUse: false,
    ...more,
  });
  const hour = 3_600_000;

  it("stay while there is room", () => {
    assert.deepEqual(
      planImageGc([image("a", hour)], { bytes: 100, availableBytes: 20 }, nowMs),
      [],
    );
  });

  it("go when the disk fills: the longest unused, and no more than it takes", () => {
    const images = [
      image("used", 9 * hour, { inUse: true }),
      image("pinned", 9 * hour, { pinned: true }),
      image("fresh", 1_000),
      image("b", 2 * hour),
      image("a", 3 * hour),
      image("c", hour),
    ];
    assert.deepEqual(planImageGc(images, { bytes: 100, availableBytes: 5 }, nowMs), ["a", "b"]);
  });
});

describe("a log that grows too large", () => {
  const large = Buffer.alloc(10 * 1024 * 1024 + 1);

  it("is rotated, and the oldest files go", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tskube-rotate-"));
    const path = join(folder, "0.log");
    for (let round = 1; round <= 7; round += 1) {
      writeFileSync(path, large);
      const reopen = async (): Promise<void> => writeFileSync(path, "");
      assert.equal(await rotateLog(path, Date.UTC(2026, 0, round), reopen), true);
    }
    assert.deepEqual(readdirSync(folder).toSorted(), [
      "0.log",
      "0.log.20260104-000000",
      "0.log.20260105-000000",
      "0.log.20260106-000000",
      "0.log.20260107-000000",
    ]);
    rmSync(folder, { recursive: true });
  });

  it("gets its name back when the runtime does not begin a new one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tskube-rotate-"));
    const path = join(folder, "0.log");
    writeFileSync(path, large);
    await assert.rejects(rotateLog(path, 0, () => Promise.reject(new Error("down"))));
    assert.deepEqual(readdirSync(folder), ["0.log"]);
    rmSync(folder, { recursive: true });
  });
});
