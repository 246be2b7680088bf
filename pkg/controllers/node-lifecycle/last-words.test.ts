import { describe, expect, it } from "vitest";
import { LastWords } from "./last-words.ts";

describe("LastWords", () => {
  it("counts from the last new word, by our own clock", () => {
    const words = new LastWords();
    words.hear("a", "one", 1_000);
    words.hear("a", "one", 2_000);
    expect(words.silentSinceMs("a", 5_000)).toBe(1_000);
    words.hear("a", "two", 6_000);
    expect(words.silentSinceMs("a", 7_000)).toBe(6_000);
  });

  it("has heard a node just now that it never heard of, or has forgotten", () => {
    const words = new LastWords();
    words.hear("a", "one", 1_000);
    words.forget("a");
    expect(words.silentSinceMs("a", 9_000)).toBe(9_000);
  });

  it("tells news from what was said before it listened", () => {
    const words = new LastWords();
    words.hear("a", "one", 1_000);
    expect(words.hasSpoken("a")).toBe(false);
    words.hear("a", "two", 2_000);
    expect([words.hasSpoken("a"), words.hasSpoken("b")]).toEqual([true, false]);
  });

  it("does not count what was before it listened anew", () => {
    const words = new LastWords();
    words.hear("a", "one", 1_000);
    words.listenAnew(8_500);
    expect(words.silentSinceMs("a", 9_000)).toBe(8_500);
  });

  it("blames no node for a time in which nobody was heard", () => {
    const words = new LastWords();
    words.hear("a", "one", 0);
    words.hear("b", "one", 5_000);
    expect([words.isQuiet(25_000), words.isQuiet(25_001)]).toEqual([false, true]);
    words.hear("b", "two", 30_000);
    expect(words.silentSinceMs("a", 31_000)).toBe(30_000);
  });

  it("cannot tell a lost node from lost ears where there is but one", () => {
    const words = new LastWords();
    words.hear("a", "one", 0);
    expect(words.isQuiet(90_000)).toBe(false);
  });
});
