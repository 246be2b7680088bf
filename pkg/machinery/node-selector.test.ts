import { describe, expect, it } from "vitest";
import type { Node, NodeSelectorRequirement } from "../../api/core/v1.ts";
import { matchesTerm } from "./node-selector.ts";

const node: Node = { metadata: { name: "n1", labels: { zone: "a", cpus: "8", size: "1.5" } } };

describe("a requirement of a node", () => {
  for (const [key, operator, value, isMet] of [
    ["zone", "In", "a", true],
    ["zone", "In", "b", false],
    ["rack", "NotIn", "a", true],
    ["zone", "Exists", undefined, true],
    ["rack", "DoesNotExist", undefined, true],
    ["cpus", "Gt", "7", true],
    ["cpus", "Gt", "8", false],
    ["cpus", "Lt", "9", true],
    // Integers only, as upstream: what is none compares with nothing.
    ["size", "Gt", "1", false],
    ["cpus", "Gt", "", false],
    ["rack", "Lt", "9", false],
  ] as const) {
    it(`${key} ${operator} ${value ?? ""} is ${isMet ? "" : "not "}met`, () => {
      const one: NodeSelectorRequirement = {
        key,
        operator,
        ...(value === undefined ? {} : { values: [value] }),
      };
      expect(matchesTerm({ matchExpressions: [one] }, node)).toBe(isMet);
    });
  }

  it("is of its name where it is of a field", () => {
    const name = { key: "metadata.name", operator: "In", values: ["n1"] } as const;
    expect(matchesTerm({ matchFields: [name] }, node)).toBe(true);
    expect(matchesTerm({ matchExpressions: [name] }, node)).toBe(false);
  });

  it("is needed: a term without any holds for no node", () =>
    expect(matchesTerm({}, node)).toBe(false));
});
