import { expect, it } from "vitest";
import { humanDuration, shortHumanDuration, since } from "./human-duration.ts";

const [minute, hour, day] = [60, 3_600, 86_400];

for (const [seconds, text] of [
  [-2, "<invalid>"],
  [-0.5, "0s"],
  [0, "0s"],
  [119, "119s"],
  [2 * minute, "2m"],
  [9 * minute + 59, "9m59s"],
  [10 * minute + 1, "10m"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [7 * hour + 59 * minute, "7h59m"],
  [47 * hour, "47h"],
  [48 * hour, "2d"],
  [7 * day + 23 * hour, "7d23h"],
  [8 * day, "8d"],
  [729 * day, "729d"],
  [730 * day, "2y"],
  [3 * 365 * day + 5 * day, "3y5d"],
  [8 * 365 * day + 5 * day, "8y"],
] as const) {
  it(`writes ${seconds} seconds as ${text}`, () => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
}

it("says that it does not know what is not there", () => {
  expect(since(undefined, 0)).toBe("<unknown>");
  expect(since("1970-01-01T00:00:00Z", 30_000)).toBe("30s");
});

for (const [seconds, text] of [
  [-2, "<invalid>"],
  [59, "59s"],
  [119, "1m"],
  [23 * hour + 59 * minute, "23h"],
  [364 * day, "364d"],
  [3_649 * day, "9y"],
] as const) {
  it(`writes ${seconds} seconds as ${text}, where the largest unit is enough`, () => {
    expect(shortHumanDuration(seconds * 1000)).toBe(text);
  });
}
