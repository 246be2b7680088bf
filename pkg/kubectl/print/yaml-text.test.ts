import { expect, it } from "vitest";
import { parse } from "yaml";
import { yamlText } from "./yaml-text.ts";

/** Each pair as upstream's kubectl 1.37 prints it. */
for (const [text, written] of [
  ["plain", "plain"],
  ["", '""'],
  ["hello: world", "'hello: world'"],
  ["it's: x", "'it''s: x'"],
  ["on", '"on"'],
  ["y", '"y"'],
  ["1", '"1"'],
  ["1.5e3", '"1.5e3"'],
  ["0x1f", '"0x1f"'],
  ["017", '"017"'],
  ["1_000", '"1_000"'],
  ["190:20:30", '"190:20:30"'],
  ["2026-11-21T16:22:39Z", '"2026-11-21T16:22:39Z"'],
  ["2020-13-45", "2020-13-45"],
  ["~", '"~"'],
  ["<<", "<<"],
  ["- a", "'- a'"],
  ["-a", "-a"],
  ["a #b", "'a #b'"],
  ["a:", "'a:'"],
  [" a", "' a'"],
  ["a ", "'a '"],
  ["@x", "'@x'"],
  ["tab\there", '"tab\\there"'],
  ["😀", '"\\U0001F600"'],
  ["é", "é"],
  ["a\nb\n", "|\n  a\n  b"],
  ["a\nb", "|-\n  a\n  b"],
  ["a\n\n", "|+\n  a\n"],
  ["\na", "|2-\n\n  a"],
  ["a \nb", '"a \\nb"'],
] as const)
  it(`writes ${JSON.stringify(text)}`, () => expect(yamlText({ k: text })).toBe(`k: ${written}\n`));

it("folds a long line behind column 80, at a single blank", () => {
  const text = `${"a".repeat(28)} ${"b".repeat(28)} ${"c".repeat(26)} ${"d".repeat(17)}`;
  expect(yamlText({ data: { long: text } })).toBe(
    `data:\n  long: ${text.slice(0, 84)}\n    ${text.slice(85)}\n`,
  );
});

it("does not indent lists, and nests them", () => {
  const value = { b: [{ c: 1, a: ["x"] }, [1, [2]], {}, []], a: null, c: true };
  expect(yamlText(value)).toBe(
    "a: null\nb:\n- a:\n  - x\n  c: 1\n- - 1\n  - - 2\n- {}\n- []\nc: true\n",
  );
});

it("orders keys as Go's library: numbers by value, signs before letters", () => {
  const keys = ["a10", "a2", "a.b", "ab", "b", "A"];
  const text = yamlText(Object.fromEntries(keys.map((key) => [key, 1])));
  expect(text.match(/^[^:]+/gm)).toEqual(["A", "a.b", "a2", "a10", "ab", "b"]);
});

it("is read back as what was written", () => {
  const pieces = ["a", " ", ": ", "#", "- ", "'", '"', "\\", "\n", "\t", "1", "no", "{", "é", "%"];
  let seed = 7;
  const next = (max: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * max);
  };
  for (let round = 0; round < 500; round++) {
    const text = Array.from({ length: 1 + next(10) }, () => pieces[next(pieces.length)]).join("");
    const value = { list: [text], map: { [`k${round}`]: text } };
    expect(parse(yamlText(value), { version: "1.1" }), JSON.stringify(text)).toEqual(value);
  }
});
