import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { expand } from "./expand.ts";

const values: Readonly<Record<string, string>> = { A: "one", B: "$(A)", EMPTY: "" };
const lookup = (name: string): string | undefined => values[name];

describe("expansion of $(NAME)", () => {
  for (const [text, result] of [
    ["plain", "plain"],
    ["$(A)", "one"],
    ["x$(A)y$(A)", "xoneyone"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$one"],
    ["$(NONE)", "$(NONE)"],
    ["$(EMPTY)!", "!"],
    ["$(B)", "$(A)"],
    ["$A", "$A"],
    ["$(A", "$(A"],
    ["cost: 5$", "cost: 5$"],
    ["$(A)$", "one$"],
    ["$()", "$()"],
    ["$((A))", "$((A))"],
  ] as const) {
    it(`${text} → ${result}`, () => assert.equal(expand(text, lookup), result));
  }
});
