import { describe, expect, it } from "vitest";
import { planPluginList } from "./commands/plugin.ts";
import { planCompletion } from "./completion-plan.ts";

const flags = {
  namespace: { short: "n", kind: "text", help: "" },
  output: { short: "o", kind: "text", help: "" },
  watch: { short: "w", kind: "bool", help: "" },
  filename: { short: "f", kind: "list", help: "" },
} as const;

describe("planCompletion", () => {
  for (const [line, command, wanted] of [
    ["", "get", { complete: "types" }],
    ["pods ", "get", { complete: "names", type: "pods", prefix: "" }],
    ["-w pods ", "get", { complete: "names", type: "pods", prefix: "" }],
    ["-n a pods ", "get", { complete: "names", type: "pods", prefix: "" }],
    ["pods/", "get", { complete: "names", type: "pods", prefix: "pods/" }],
    ["-n ", "get", { complete: "names", type: "namespaces", prefix: "" }],
    ["-f ", "get", { complete: "files" }],
    ["", "logs", { complete: "names", type: "pods", prefix: "" }],
    ["pod-a ", "exec", { complete: "files" }],
    ["a ", "drain", { complete: "names", type: "nodes", prefix: "" }],
    ["", "apply", { complete: "files" }],
  ] as const) {
    it(`${command} ${line}`, () =>
      expect(planCompletion({ flags, subcommands: [], words: line.split(" "), command })).toEqual(
        wanted,
      ));
  }
  it("names commands, flags and formats", () => {
    const at = (words: readonly string[], subcommands: readonly string[] = []) =>
      planCompletion({ flags, subcommands, words, command: "create" });
    expect(at([""], ["role"])).toEqual({ complete: "words", words: ["role"] });
    expect(at(["--"])).toMatchObject({
      words: ["--namespace", "--output", "--watch", "--filename"],
    });
    expect(at(["--output=j"])).toMatchObject({ words: expect.arrayContaining(["--output=json"]) });
  });
});

it("warns of plugins that cannot run, or are never reached", () => {
  const programs = [
    { path: "/a/kubectl-x", isExecutable: true },
    { path: "/b/kubectl-x", isExecutable: false },
  ];
  expect(planPluginList(programs, true)).toEqual({
    lines: [
      "kubectl-x",
      "kubectl-x",
      "  - warning: /b/kubectl-x identified as a kubectl plugin, but it is not executable",
      "  - warning: /b/kubectl-x is overshadowed by a similarly named plugin: /a/kubectl-x",
    ],
    warnings: [expect.stringContaining("not executable"), expect.stringContaining("overshadowed")],
  });
});
