import { expect, it } from "vitest";
import { selected } from "./diff-plan.ts";

const manifests = [
  { object: { metadata: { name: "a", labels: { app: "web" } } } },
  { object: { metadata: { name: "b", labels: { app: "store" } } } },
  { object: { metadata: { name: "c" } } },
];

for (const [selector, names] of [
  ["", ["a", "b", "c"]],
  ["app=web", ["a"]],
  ["app", ["a", "b"]],
  ["app!=web", ["b", "c"]],
] as const) {
  it(`diff -l '${selector}' compares ${names.join(", ")}`, () =>
    expect(selected(manifests, selector).map(({ object }) => object.metadata.name)).toEqual(names));
}

it("diff -l refuses what is no selector", () =>
  expect(() => selected(manifests, "a in (b")).toThrow("')'"));
