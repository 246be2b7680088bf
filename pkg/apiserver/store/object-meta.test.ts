import { expect, it } from "vitest";
import type { KubeObject } from "../../../api/resource.ts";
import { specChanged } from "./object-meta.ts";

const pod = (spec: object, more: object = {}): KubeObject =>
  ({ apiVersion: "v1", kind: "Pod", spec, ...more }) as KubeObject;

for (const [title, now, before, expected] of [
  [
    "another order of fields",
    pod({ a: 1, b: { c: 2, d: [3] } }),
    pod({ b: { d: [3], c: 2 }, a: 1 }),
    false,
  ],
  ["another order of a list", pod({ a: [1, 2] }), pod({ a: [2, 1] }), true],
  ["another value", pod({ a: { b: 1 } }), pod({ a: { b: 2 } }), true],
  ["a field more", pod({ a: 1, b: 2 }), pod({ a: 1 }), true],
  [
    "metadata and status",
    pod({ a: 1 }, { metadata: { name: "b" } }),
    pod({ a: 1 }, { status: { c: 1 } }),
    false,
  ],
] as const) {
  it(`${title} ${expected ? "is" : "is no"} new generation`, () =>
    expect(specChanged(now, before)).toBe(expected));
}
