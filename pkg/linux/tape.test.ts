import { describe, expect, it } from "vitest";
import { memoryOver } from "./memory.ts";
import { entryWords, word } from "./player.ts";
import type { Syscall } from "./syscall.ts";
import { Encoder } from "./tape.ts";

const address = 0x7f00_0000_0000;

function encode(steps: readonly Syscall[]) {
  const buffer = new ArrayBuffer(4096);
  const tape = new Encoder(memoryOver(buffer, address), "x64").encode(steps);
  const words = new BigInt64Array(buffer);
  const entry = (index: number, at: number): bigint => words[index * entryWords + at] ?? -1n;
  const at = (pointer: bigint): number => Number(pointer) - address;
  const text = (pointer: bigint): string => {
    const bytes = Buffer.from(buffer);
    return bytes.toString("utf8", at(pointer), bytes.indexOf(0, at(pointer)));
  };
  return { tape, words, entry, text, at };
}

const because = "";

describe("a tape", () => {
  it("holds the number, the arguments and an end", () => {
    const { entry, text } = encode([
      { call: "mount", args: ["a", "/é", "", ["MS_BIND", "MS_REC"], -100], because },
    ]);
    expect(entry(0, word.number)).toBe(165n);
    expect(text(entry(0, 1))).toBe("a");
    expect(text(entry(0, 2))).toBe("/é");
    expect(entry(0, 4)).toBe(0x5000n);
    expect(entry(0, 5)).toBe(-100n);
    expect(entry(1, word.number)).toBe(-1n);
  });

  it("has the player copy a result to where it is used", () => {
    const { entry, words, at } = encode([
      { call: "openat", args: [["AT_FDCWD"], "/x", 0], because, as: "fd" },
      { call: "fchdir", args: [{ result: "fd" }], because },
      { call: "close", args: [{ result: "fd" }], because },
    ]);
    const list = at(entry(0, word.copies)) / 8;
    const targets = [words[list], words[list + 1]].map((target) => at(target ?? 0n) / 8);
    expect(targets).toEqual([entryWords + word.args, 2 * entryWords + word.args]);
    expect(words[list + 2]).toBe(0n);
  });

  it("names the errnos that a call may fail with", () => {
    const { entry } = encode([
      { call: "mkdirat", args: [], because, may: ["EEXIST", "EROFS"] },
      { call: "mkdirat", args: [], because, may: "fail" },
      { call: "mkdirat", args: [], because },
    ]);
    expect([0, 1, 2].map((index) => entry(index, word.may))).toEqual([0x1e11n, 0xffn, 0n]);
  });

  it("writes structs, vectors and wide flags as words", () => {
    const { entry, words, at, text } = encode([
      {
        call: "clone3",
        args: [{ words: [["CLONE_INTO_CGROUP", "CLONE_VM"], { words: ["x", 0] }, -1] }],
        because,
      },
    ]);
    const struct = at(entry(0, 1)) / 8;
    expect(words[struct]).toBe(0x2_0000_0100n);
    expect(words[struct + 2]).toBe(-1n);
    const vector = at(words[struct + 1] ?? 0n) / 8;
    expect(text(words[vector] ?? 0n)).toBe("x");
    expect(words[vector + 1]).toBe(0n);
  });

  for (const [title, steps, message] of [
    [
      "a result that no call has",
      [{ call: "close", args: [{ result: "fd" }], because }],
      "tape: no call is named fd",
    ],
    ["a zero byte in a path", [{ call: "chdir", args: ["a\0b"], because }], "a zero byte in"],
    [
      "more than its memory holds",
      [{ call: "chdir", args: ["x".repeat(5000)], because }],
      "arguments too long",
    ],
  ] as const) {
    it(`refuses ${title}`, () => {
      expect(() => encode(steps)).toThrow(message);
    });
  }

  it("refuses a call that the architecture lacks", () => {
    const memory = memoryOver(new ArrayBuffer(512), address);
    const step = { call: "open", args: [], because } as const;
    expect(() => new Encoder(memory, "arm64").encode([step])).toThrow("arm64 has no open");
  });
});
