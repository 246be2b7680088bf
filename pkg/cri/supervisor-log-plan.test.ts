import { describe, expect, it } from "vitest";
import { logLineBytesMax, logLines } from "./supervisor-log-plan.ts";

const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const log = (text: string): string =>
  Buffer.concat(logLines("stdout", Buffer.from(text), atMs)).toString();
const head = "2026-01-02T03:04:05.006000000Z stdout";

describe("CRI log lines", () => {
  for (const [title, text, expected] of [
    ["a line", "one\n", `${head} F one\n`],
    ["two lines and an empty one", "a\n\nb\n", `${head} F a\n${head} F \n${head} F b\n`],
    ["a line without its end", "half", `${head} P half\n`],
    ["the end of a line", "\n", `${head} F \n`],
    ["nothing", "", ""],
  ] as const) {
    it(title, () => expect(log(text)).toBe(expected));
  }

  it("cuts a long line into parts", () => {
    const long = "x".repeat(logLineBytesMax);
    expect(log(`${long}\n`)).toBe(`${head} F ${long}\n`);
    expect(log(`${long}y\n`)).toBe(`${head} P ${long}\n${head} F y\n`);
    expect(log(long)).toBe(`${head} P ${long}\n`);
  });
});
