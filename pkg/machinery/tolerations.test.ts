import { describe, expect, it } from "vitest";
import { tolerates } from "./tolerations.ts";

describe("tolerates", () => {
  const value = { key: "k", value: "v", effect: "NoSchedule" };
  for (const [title, toleration, expected] of [
    ["the same key and value", { key: "k", value: "v" }, true],
    ["another value", { key: "k", value: "w" }, false],
    ["any value", { key: "k", operator: "Exists" }, true],
    ["any key", { operator: "Exists" }, true],
    ["no key but a value", { value: "v" }, false],
    ["the same, its operator left empty", { key: "k", operator: "", value: "v" }, true],
    ["an operator that nobody knows", { key: "k", operator: "Like", value: "v" }, false],
    ["another effect", { key: "k", value: "v", effect: "NoExecute" }, false],
  ] as const)
    it(title, () => expect(tolerates(toleration, value)).toBe(expected));
});

describe("tolerates by number", () => {
  const taint = { key: "k", value: "950", effect: "NoExecute" };
  for (const [operator, value, expected] of [
    ["Gt", "900", true],
    ["Gt", "950", false],
    ["Lt", "951", true],
    ["Lt", "20", false],
  ] as const)
    it(`${operator} ${value}`, () =>
      expect(tolerates({ key: "k", operator, value }, taint)).toBe(expected));
});
