import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomically } from "./atomic-file.ts";

describe("writeFileAtomically", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "atomic-"));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  it("replaces what is there, and leaves nothing else", async () => {
    const path = join(folder, "a");
    await writeFileAtomically(path, "a long first content");
    await writeFileAtomically(path, Buffer.from("second"));
    expect(await readFile(path, "utf8")).toBe("second");
    expect(await readdir(folder)).toEqual(["a"]);
    expect(await modeOf(path)).toBe(0o600);
  });

  it("makes the folder, and gives the mode that is asked for", async () => {
    const path = join(folder, "deep", "er", "a");
    await writeFileAtomically(path, "x", 0o644);
    expect(await modeOf(path)).toBe(0o644);
  });

  it("keeps no mode of what a killed run has left", async () => {
    const path = join(folder, "a");
    await writeFile(`${path}.new`, "half of it", { mode: 0o666 });
    await writeFileAtomically(path, "x");
    expect(await modeOf(path)).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe("x");
  });
});
