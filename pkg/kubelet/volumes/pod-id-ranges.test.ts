import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { PodIdRanges } from "./pod-id-ranges.ts";

describe("ranges of pods' ids", () => {
  let pods = "";
  beforeEach(async () => {
    pods = await mkdtemp(join(tmpdir(), "ranges-"));
  });
  afterEach(() => rm(pods, { recursive: true }));

  it("are different, and a pod's own at every call, also of a later kubelet", async () => {
    const ranges = new PodIdRanges(pods);
    const uids = ["a", "b", "c", "a"];
    const firsts = await Promise.all(uids.map((uid) => ranges.first(uid)));
    assert.deepEqual(firsts, [65_536, 131_072, 196_608, 65_536]);
    assert.equal(await new PodIdRanges(pods).first("b"), 131_072);
  });

  it("are free again when the pod's folder has gone", async () => {
    const ranges = new PodIdRanges(pods);
    for (const uid of ["a", "b"]) await ranges.first(uid);
    await rm(join(pods, "a"), { recursive: true });
    assert.equal(await ranges.first("c"), 65_536);
  });

  it("are not guessed where one cannot be read", async () => {
    await mkdir(join(pods, "a"));
    await writeFile(join(pods, "a", "first-host-id"), "");
    const ranges = new PodIdRanges(pods);
    await assert.rejects(ranges.first("b"), /holds no id/);
    await rm(join(pods, "a"), { recursive: true });
    assert.equal(await ranges.first("b"), 65_536);
  });
});
