import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "vitest";
import { writeAtomically, type ProjectedFile } from "./atomic-writer.ts";

const file = (path: string, text: string, mode = 0o644): ProjectedFile => ({
  path,
  bytes: Buffer.from(text),
  mode,
});

describe("writeAtomically", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tskube-volume-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const visible = (): readonly string[] =>
    readdirSync(folder).filter((name) => !name.startsWith(".."));

  it("shows files through ..data, with their modes", async () => {
    await writeAtomically(folder, [file("a", "1", 0o400), file("keys/b", "2")], undefined);
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "1");
    assert.equal(readFileSync(join(folder, "keys/b"), "utf8"), "2");
    assert.equal(statSync(join(folder, "a")).mode & 0o777, 0o400);
    assert.equal(readlinkSync(join(folder, "a")), "..data/a");
  });

  it("changes nothing when nothing changed", async () => {
    assert.equal(await writeAtomically(folder, [file("a", "1")], undefined), true);
    const generation = readlinkSync(join(folder, "..data"));
    assert.equal(await writeAtomically(folder, [file("a", "1")], undefined), false);
    assert.equal(readlinkSync(join(folder, "..data")), generation);
  });

  it("swaps, removes what went and leaves one generation", async () => {
    await writeAtomically(folder, [file("a", "1"), file("b", "2")], undefined);
    await writeAtomically(folder, [file("a", "other")], undefined);
    assert.equal(readFileSync(join(folder, "a"), "utf8"), "other");
    assert.deepEqual(visible(), ["a"]);
    assert.equal(readdirSync(folder).length, 3);
  });

  it("writes again when only a mode changed", async () => {
    await writeAtomically(folder, [file("a", "1")], undefined);
    assert.equal(await writeAtomically(folder, [file("a", "1", 0o600)], undefined), true);
    assert.equal(statSync(join(folder, "a")).mode & 0o777, 0o600);
  });

  it("may be empty", async () => {
    await writeAtomically(folder, [file("a", "1")], undefined);
    await writeAtomically(folder, [], undefined);
    assert.deepEqual(visible(), []);
  });
});
