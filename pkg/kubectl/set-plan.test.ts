import { describe, expect, it } from "vitest";
import { planMarks, splitMarks } from "./commands/label.ts";
import { durationMs } from "../base/duration.ts";
import { planEnv, planImages } from "./set-plan.ts";
import { parseWaitFor } from "./wait-for.ts";

const containers = [
  { name: "web", image: "nginx:1", env: [{ name: "A", value: "b" }] },
  { name: "side", image: "log:1" },
];

describe("set", () => {
  for (const [title, words, changes] of [
    ["one image", ["web=nginx:2"], [{ name: "web", image: "nginx:2" }]],
    ["the same image changes nothing", ["web=nginx:1"], []],
    [
      "all images",
      ["*=x@sha256:a=b"],
      [
        { name: "web", image: "x@sha256:a=b" },
        { name: "side", image: "x@sha256:a=b" },
      ],
    ],
  ] as const)
    it(title, () => expect(planImages(containers, words)).toEqual(changes));
  it("a container that is not there", () =>
    expect(() => planImages(containers, ["no=x"])).toThrow('unable to find container named "no"'));

  for (const [title, words, changes] of [
    [
      "a variable",
      ["C=d=e"],
      [
        { name: "web", env: [{ name: "C", value: "d=e", valueFrom: null }] },
        { name: "side", env: [{ name: "C", value: "d=e", valueFrom: null }] },
      ],
    ],
    [
      "the same value changes nothing there",
      ["A=b"],
      [{ name: "side", env: [{ name: "A", value: "b", valueFrom: null }] }],
    ],
    ["removes where it is", ["A-"], [{ name: "web", env: [{ $patch: "delete", name: "A" }] }]],
  ] as const)
    it(title, () => expect(planEnv(containers, words)).toEqual(changes));
});

describe("labels", () => {
  it("are told from names", () =>
    expect(splitMarks(["deploy", "web-", "a=b", "c-"])).toEqual([
      ["deploy"],
      { web: null, a: "b", c: null },
    ]));
  it("change only what differs", () =>
    expect(planMarks({ a: "1", b: "2" }, { a: "1", b: null, c: null }, false)).toEqual({
      changes: { b: null },
      absent: ["c"],
    }));
  it("replace only when told to", () => {
    expect(() => planMarks({ a: "1" }, { a: "2" }, false)).toThrow("'a' already has a value (1)");
    expect(planMarks({ a: "1" }, { a: "2" }, true).changes).toEqual({ a: "2" });
  });
});

describe("wait --for", () => {
  const pod = {
    metadata: { generation: 2 },
    status: {
      observedGeneration: 2,
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
    },
  };
  const behind = { ...pod, status: { ...pod.status, observedGeneration: 1 } };
  for (const [text, object, isMet] of [
    ["delete", undefined, true],
    ["delete", pod, false],
    ["create", pod, true],
    ["condition=Ready", pod, true],
    ["condition=ready=false", pod, false],
    ["condition=Ready", behind, false],
    ["jsonpath={.status.phase}=Running", pod, true],
    ["jsonpath={.status.phase}=Failed", pod, false],
    ["jsonpath={.status.phase}", pod, true],
    ["jsonpath={.status.none}", pod, false],
  ] as const)
    it(`${text} of ${object === undefined ? "nothing" : "a pod"}`, () =>
      expect(parseWaitFor(text)(object)).toBe(isMet));
  it("knows no other words", () => expect(() => parseWaitFor("x")).toThrow("unrecognized"));
});

describe("durations", () => {
  for (const [text, ms] of [
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["0", 0],
    ["1.5s", 1_500],
  ] as const)
    it(text, () => expect(durationMs(text)).toBe(ms));
  for (const text of ["", "5", "s", "1d", "1s x"])
    it(`not ${JSON.stringify(text)}`, () =>
      expect(() => durationMs(text)).toThrow("invalid duration"));
});
