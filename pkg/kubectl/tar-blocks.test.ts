import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseCopySpec, placeInside } from "./copy-plan.ts";
import { paddingOf, readTar, tarEnd, tarHead, type TarEntry } from "./tar-blocks.ts";

const file = (name: string, sizeBytes: number): TarEntry => ({
  name,
  kind: "file",
  mode: 0o640,
  sizeBytes,
  modifiedSeconds: 1_700_000_000,
});
const long = `${"d".repeat(90)}/${"é".repeat(60)}`;
const archive = Buffer.concat([
  tarHead({ ...file("folder", 0), kind: "folder" }),
  tarHead(file("folder/a", 5)),
  Buffer.from("hello"),
  paddingOf(5),
  tarHead(file(long, 0)),
  tarEnd(),
]);

/** In pieces that respect no border. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a tar archive", () => {
  for (const size of [1, 7, 512, 100_000]) {
    it(`is read in pieces of ${size} bytes`, async () => {
      const found: unknown[] = [];
      for await (const { entry, content } of readTar(pieces(archive, size))) {
        let text = "";
        for await (const piece of content) text += Buffer.from(piece).toString();
        found.push([entry.name, entry.kind, entry.mode, text]);
      }
      expect(found).toEqual([
        ["folder", "folder", 0o640, ""],
        ["folder/a", "file", 0o640, "hello"],
        [long, "file", 0o640, ""],
      ]);
    });
  }
  it("is what the system's tar reads", () => {
    const listed = execFileSync("tar", ["-tf", "-"], {
      input: archive,
      env: { ...process.env, LC_ALL: "C.UTF-8" },
    });
    expect(listed.toString()).toBe(`folder/\nfolder/a\n${long}\n`);
  });
  it("may not be cut short", async () => {
    const read = async () => {
      for await (const { content } of readTar(pieces(archive.subarray(0, 1100), 64)))
        for await (const _ of content);
    };
    await expect(read()).rejects.toThrow("cut short");
  });
});

describe("cp", () => {
  for (const [source, member, place] of [
    ["/tmp/src", "tmp/src", ""],
    ["/tmp/src/", "tmp/src/a/b", "a/b"],
    ["/tmp/src", "/tmp/src/a", "a"],
    ["src", "src/../../etc/passwd", undefined],
    ["/tmp/src", "etc/passwd", undefined],
    ["/tmp/src", "tmp/srcs", undefined],
  ] as const) {
    it(`places ${member} of ${source}`, () => expect(placeInside(source, member)).toBe(place));
  }
  it("reads where from and where to", () => {
    expect(parseCopySpec("a/b")).toMatchObject({ pod: undefined, path: "a/b" });
    expect(parseCopySpec("p:/x")).toMatchObject({ pod: "p", namespace: undefined, path: "/x" });
    expect(parseCopySpec("n/p:x")).toMatchObject({ pod: "p", namespace: "n", path: "x" });
    expect(() => parseCopySpec(":x")).toThrow("canonical format");
  });
});
