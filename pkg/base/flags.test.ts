import { describe, expect, it } from "vitest";
import { parseFlags, UsageError } from "./flags.ts";

const specs = {
  output: { short: "o", kind: "text", help: "" },
  "dry-run": { kind: "text", alone: "client", help: "" },
  filename: { short: "f", kind: "list", help: "" },
  stdin: { short: "i", kind: "bool", help: "" },
  tty: { short: "t", kind: "bool", help: "" },
  tail: { kind: "number", help: "" },
} as const;

describe("parseFlags", () => {
  for (const [line, flags, args, rest] of [
    ["-o yaml", { output: "yaml" }, [], undefined],
    ["-oyaml", { output: "yaml" }, [], undefined],
    ["-o=yaml", { output: "yaml" }, [], undefined],
    ["--output=a=b", { output: "a=b" }, [], undefined],
    ["--output yaml pods", { output: "yaml" }, ["pods"], undefined],
    ["-it web", { stdin: true, tty: true }, ["web"], undefined],
    ["-f a -f b", { filename: ["a", "b"] }, [], undefined],
    ["-f -", { filename: ["-"] }, [], undefined],
    ["--dry-run x", { "dry-run": "client" }, ["x"], undefined],
    ["--dry-run=server", { "dry-run": "server" }, [], undefined],
    ["--stdin=false", { stdin: false }, [], undefined],
    ["--tail=-1", { tail: -1 }, [], undefined],
    ["web -- ls -l", {}, ["web"], ["ls", "-l"]],
  ] as const) {
    it(line, () => {
      const parsed = parseFlags(specs, line.split(" "));
      expect(parsed.flags).toMatchObject(flags);
      expect([parsed.args, parsed.rest]).toEqual([args, rest]);
    });
  }
  for (const [line, message] of [
    ["--nope", "unknown flag: --nope"],
    ["-x", "unknown shorthand flag: 'x' in -x"],
    ["--output", "flag needs an argument: --output"],
    ["-o", "flag needs an argument: 'o' in -o"],
    ["--tail=few", 'invalid argument "few" for "--tail" flag: not a whole number'],
    ["--tty=maybe", 'invalid argument "maybe" for "--tty" flag: not a boolean'],
  ] as const) {
    it(`refuses ${line}`, () => {
      expect(() => parseFlags(specs, line.split(" "))).toThrow(new UsageError(message));
    });
  }
});
