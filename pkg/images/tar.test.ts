import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync, symlinkSync, linkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../base/random.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarError } from "./tar-header.ts";
import { TarParser } from "./tar-parser.ts";
import { plainEntry, tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";

interface Member {
  readonly entry: TarEntry;
  readonly content: Buffer;
}

function write(members: readonly Member[]): Buffer {
  return Buffer.concat([
    ...members.flatMap(({ entry, content }) => [
      tarHeader(entry),
      content,
      tarPadding(content.length),
    ]),
    tarEnd(),
  ]);
}

/** Reads with the parser, in pieces whose sizes come from `pieceBytes`. */
function read(archive: Buffer, pieceBytes: () => number): Member[] {
  const parser = new TarParser();
  const members: { entry: TarEntry; content: Buffer }[] = [];
  for (let at = 0; at < archive.length;) {
    const size = pieceBytes();
    for (const event of parser.push(archive.subarray(at, at + size))) {
      if (event.is === "entry") {
        members.push({ entry: event.entry, content: Buffer.alloc(event.entry.size) });
      }
      if (event.is === "data") members.at(-1)?.content.set(event.bytes, event.offset);
    }
    at += size;
  }
  parser.end();
  return members;
}

const file = (path: string, content: string, more: Partial<TarEntry> = {}): Member => ({
  entry: { ...plainEntry, path, size: Buffer.byteLength(content), ...more },
  content: Buffer.from(content),
});

const members: readonly Member[] = [
  file("etc/passwd", "root:x:0:0::/:/bin/sh\n", { mode: 0o600, mtime: 1_700_000_000 }),
  file(`${"d/".repeat(120)}long`, "x".repeat(1000), { uid: 100_000_000, gid: 5, mtime: 1.25 }),
  file("ünicode", "", {}),
  file("bin/ping", "elf", { xattrs: { "security.capability": Buffer.from([1, 0, 0x0a, 0x3d]) } }),
  {
    entry: { ...plainEntry, path: "dir/", type: "directory", mode: 0o1777 },
    content: Buffer.alloc(0),
  },
  {
    entry: { ...plainEntry, path: "link", type: "symlink", linkPath: "t".repeat(200) },
    content: Buffer.alloc(0),
  },
  {
    entry: {
      ...plainEntry,
      path: "null",
      type: "character-device",
      deviceMajor: 1,
      deviceMinor: 3,
    },
    content: Buffer.alloc(0),
  },
];

describe("tar", () => {
  it("reads what it wrote, whatever the pieces", () => {
    const random = seededRandom(1);
    const archive = write(members);
    for (let round = 0; round < 50; round++) {
      const largest = 1 + Math.floor(random.fraction() * 2000);
      const got = read(archive, () => 1 + Math.floor(random.fraction() * largest));
      expect(got).toEqual(members);
    }
  });

  it("never fails in another way than TarError on damaged archives, nor loops", () => {
    const archive = write(members);
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const damaged = Buffer.from(archive);
      for (let hit = 0; hit < 1 + (seed % 5); hit++) {
        const at = Math.floor(random.fraction() * damaged.length);
        damaged[at] = Math.floor(random.fraction() * 256);
      }
      try {
        // Sizes in a damaged header may be huge: the content is not gathered here.
        const parser = new TarParser();
        parser.push(damaged.subarray(0, Math.floor(random.fraction() * damaged.length)));
        parser.end();
      } catch (error) {
        expect(error, `seed ${seed}`).toBeInstanceOf(TarError);
      }
    }
  });

  it("refuses an archive that stops within an entry", () => {
    const archive = write([file("a", "x".repeat(600))]);
    expect(() => read(archive.subarray(0, 700), () => 512)).toThrow("cut short");
  });

  it.each(["gnu", "pax", "ustar"])("reads what GNU tar writes as %s", (format) => {
    const folder = mkdtempSync(join(tmpdir(), "tskube-tar-"));
    try {
      writeFileSync(join(folder, "small"), "hello");
      linkSync(join(folder, "small"), join(folder, "small-too"));
      symlinkSync("small", join(folder, "soft"));
      if (format !== "ustar") writeFileSync(join(folder, "n".repeat(180)), "long name");
      writeFileSync(join(folder, "sparse"), "begin");
      truncateSync(join(folder, "sparse"), 3_000_000);
      const sparse = format === "ustar" ? [] : ["--sparse"];
      const options = ["--format", format, ...sparse, "--sort=name", "-C", folder, "-cf", "-", "."];
      const got = read(execFileSync("tar", options, { maxBuffer: 64e6 }), () => 10_000);
      const named = new Map(got.map((member) => [member.entry.path, member]));
      expect(named.get("./small")?.content.toString()).toBe("hello");
      expect(named.get("./small-too")?.entry).toMatchObject({
        type: "hardlink",
        linkPath: "./small",
      });
      expect(named.get("./soft")?.entry).toMatchObject({ type: "symlink", linkPath: "small" });
      const hole = named.get("./sparse");
      expect(hole?.entry.size).toBe(3_000_000);
      expect(hole?.content.subarray(0, 5).toString()).toBe("begin");
      expect(hole?.content.subarray(5).every((byte) => byte === 0)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("writes what GNU tar lists", () => {
    const listed = execFileSync("tar", ["-tf", "-"], { input: write(members), encoding: "utf8" });
    expect(listed.split("\n").filter(Boolean)).toHaveLength(members.length);
  });
});
