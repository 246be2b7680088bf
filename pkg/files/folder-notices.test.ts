import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FolderNotices } from "./folder-notices.ts";

it("notices of a folder wake who sleeps, and count until the next question", async () => {
  const folder = mkdtempSync(join(tmpdir(), "notices-"));
  try {
    using notices = new FolderNotices([folder]);
    const first = notices.next();
    writeFileSync(join(folder, "a"), "");
    if (!first.aborted) await once(first, "abort");
    expect(notices.next().aborted).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("a folder that cannot be watched is no failure: none comes", () => {
  const noMore = (): never => {
    throw Object.assign(new Error("EMFILE: too many open files, watch"), { code: "EMFILE" });
  };
  using notices = new FolderNotices(["/"], noMore);
  expect(notices.next().aborted).toBe(false);
});
