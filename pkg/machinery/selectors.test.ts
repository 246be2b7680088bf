import { describe, expect, it } from "vitest";
import { formatFieldSelector, matchesFields, parseFieldSelector } from "./field-selector.ts";
import {
  formatRequirements,
  matchesMap,
  matchesRequirements,
  matchesSelector,
  parseLabelSelector,
} from "./label-selector.ts";

describe("a label selector", () => {
  const labels = { app: "web", tier: "front", n: "5" };
  for (const [text, printed, matches] of [
    ["", "", true],
    ["app=web", "app=web", true],
    ["app==web,tier=back", "app==web,tier=back", false],
    ["app!=web", "app!=web", false],
    ["missing!=x", "missing!=x", true],
    ["tier in (front, back),app", "app,tier in (back,front)", true],
    ["tier notin (front)", "tier notin (front)", false],
    ["!missing", "!missing", true],
    ["!app", "!app", false],
    ["n>4", "n>4", true],
    ["n<5", "n<5", false],
    ["app=", "app=", false],
    ["x in (,a)", "x in (,a)", false],
    ["in=a", "in=a", false],
    ["notin in (in)", "notin in (in)", false],
  ] as const)
    it(JSON.stringify(text), () => {
      const requirements = parseLabelSelector(text);
      expect(formatRequirements(requirements)).toBe(printed);
      expect(matchesRequirements(requirements, labels)).toBe(matches);
    });

  for (const [text, message] of [
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a constructor b", "found 'constructor', expected: in, notin, =, ==, !=, gt, lt"],
    ["a,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a in b", "unable to parse requirement: found 'b' expected: '('"],
    ["a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"],
    ["a=b c", "found 'c', expected: ',' or 'end of string'"],
    ["a=(", "unable to parse requirement: found '(', expected: identifier"],
    ["a>b", "for 'Gt', 'Lt' operators, the value must be an integer"],
    ["-a=b", 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    ["a=-b", 'unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must'],
  ] as const)
    it(`${text} is refused`, () => expect(() => parseLabelSelector(text)).toThrow(message));

  it("of an object: absent selects nothing, empty everything", () => {
    expect(matchesSelector(undefined, labels)).toBe(false);
    expect(matchesSelector({}, labels)).toBe(true);
    const expression = { key: "tier", operator: "In", values: ["front"] };
    expect(
      matchesSelector({ matchLabels: { app: "web" }, matchExpressions: [expression] }, labels),
    ).toBe(true);
    expect(matchesSelector({ matchLabels: { app: "web" } }, undefined)).toBe(false);
    const odd = { key: "tier", operator: "constructor", values: ["front"] };
    expect(() => matchesSelector({ matchExpressions: [odd] }, labels)).toThrow("not a valid");
    expect(matchesMap({}, labels)).toBe(false);
    expect(matchesMap({ app: "web" }, labels)).toBe(true);
  });
});

describe("a field selector", () => {
  for (const [text, matches] of [
    ["", true],
    ["metadata.name=a", true],
    ["metadata.name==a,status.phase!=Running", false],
    ["metadata.name!=a", false],
    ["spec.nodeName=", true],
    ["metadata.name=a\\,b", false],
  ] as const)
    it(JSON.stringify(text), () => {
      const requirements = parseFieldSelector(text);
      const fields = new Map([
        ["metadata.name", "a"],
        ["status.phase", "Running"],
      ]);
      expect(matchesFields(requirements, (field) => fields.get(field) ?? "")).toBe(matches);
      expect(formatFieldSelector(requirements)).toBe(text.replace("==", "="));
    });
  for (const [text, message] of [
    ["metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b"],
    ["a=b=c", "invalid field selector: unescaped character in value: 61"],
  ] as const)
    it(`${text} is refused`, () => expect(() => parseFieldSelector(text)).toThrow(message));
  it("that cannot be understood is refused", () =>
    expect(() => parseFieldSelector("a=b,c")).toThrow(
      "invalid selector: 'a=b,c'; can't understand 'c'",
    ));
});
